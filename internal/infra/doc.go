// Package infra has the tests of what the server is deployed with: the CloudFormation template, the Dockerfile, the
// Compose file and the manifests of Kubernetes. They are checked by the linters of their makers, and what they say is
// done: the template is deployed (in moto), the image's program is built by the image's commands and run on a root of its
// own, and the services of the Compose file are started with its environment.
package infra
