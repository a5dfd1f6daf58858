// Package httpkit is what every protocol of the server shares: how an error
// becomes a status, how JSON and stored bytes are sent, how a request is
// logged, limited and named. It knows no protocol and no domain.
package httpkit
