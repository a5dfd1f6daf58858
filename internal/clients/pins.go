package clients

import (
	"fmt"
	"runtime"
	"strings"
)

// Tool is a pinned client, as a specifier of the npm registry; a Zig compiler comes from PyPI.
type Tool string

// The pinned clients. NPM11 is the npm on PATH when its major version is the same.
const (
	NPM11  Tool = "npm@11.19.1"
	NPM12  Tool = "npm@12.2.0" // runs on Node24
	PNPM   Tool = "pnpm@12.21.0"
	Yarn1  Tool = "yarn@1.22.22"
	Yarn4  Tool = "@yarnpkg/cli-dist@4.18.1"
	Bun    Tool = "bun@1.4.5"
	Node24 Tool = "node@24.21.0" // the lowest that npm 12.2 accepts is 24.15
)

// Verdaccio is what `make bench` measures against; no test needs it.
const Verdaccio Tool = "verdaccio@6.10.4"

// PkgPRNew is the CLI of pkg.pr.new, whose servers ours stands in for.
const PkgPRNew Tool = "pkg-pr-new@0.0.93"

// AxeCore checks in a browser whether pages are accessible. It is a script, no program: Client.Path is its file.
const AxeCore Tool = "axe-core@4.14.1"

// ActionsArtifact is what actions/upload-artifact uploads with. It is a module, no program: Client.Path is its file.
const ActionsArtifact Tool = "@actions/artifact@6.2.1"

// Moto stands in for Amazon's S3, DynamoDB and CloudFormation.
const Moto Tool = "moto@5.2.5"

// VersityGW is an S3 server that keeps objects in plain files. It is built with Go.
const VersityGW Tool = "versitygw@1.8.0"

// Wares is the package manager of Lumen. It is built with Rust.
const Wares Tool = "wares@0.6.3"

// Act runs workflows of GitHub Actions, and Actionlint checks them. They are built with Go.
const (
	Act        Tool = "act@0.2.89"
	Actionlint Tool = "actionlint@1.7.12"
)

// The linters of what is deployed with; they bring the schemas that they check with.
const (
	CfnLint            Tool = "cfn-lint@1.54.0"
	CheckJSONSchema    Tool = "check-jsonschema@0.39.0"
	KubernetesValidate Tool = "kubernetes-validate@1.34.1"
)

// The Zig compilers, the last of each series.
const (
	Zig11 Tool = "zig@0.11.0"
	Zig12 Tool = "zig@0.12.1"
	Zig13 Tool = "zig@0.13.0"
	Zig14 Tool = "zig@0.14.1"
	Zig15 Tool = "zig@0.15.2"
	Zig16 Tool = "zig@0.16.0"
	Zig17 Tool = "zig@0.17.1"
)

// All lists every pinned client.
func All() []Tool {
	return append([]Tool{NPM11, NPM12, PNPM, Yarn1, Yarn4, Bun, Node24, PkgPRNew, AxeCore, ActionsArtifact, Moto, VersityGW, Wares, CfnLint, CheckJSONSchema, KubernetesValidate, Act, Actionlint}, Zigs()...)
}

// Zigs lists the compilers, oldest first.
func Zigs() []Tool { return []Tool{Zig11, Zig12, Zig13, Zig14, Zig15, Zig16, Zig17} }

// Name is the name of the tool's executable.
func (t Tool) Name() string {
	name, _ := t.split()
	switch name {
	case "@yarnpkg/cli-dist":
		return "yarn"
	case "@actions/artifact":
		return "actions-artifact"
	}
	return name
}

// isZig reports whether the tool is a Zig compiler.
func (t Tool) isZig() bool { return t.Name() == "zig" }

// Version is the pinned version.
func (t Tool) Version() string {
	_, version := t.split()
	return version
}

func (t Tool) split() (name, version string) {
	i := strings.LastIndexByte(string(t), '@')
	return string(t[:i]), string(t[i+1:])
}

// spec is what npm is asked for. The `node` package fetches the real one by a
// script; naming the platform's package needs no script.
func (t Tool) spec() string {
	if t.Name() != "node" {
		return string(t)
	}
	family, arch := "node", runtime.GOARCH
	if arch == "amd64" {
		arch = "x64"
	}
	system := runtime.GOOS
	switch {
	case system == "windows":
		system = "win"
	case system == "darwin" && arch == "arm64":
		family = "node-bin"
	}
	return fmt.Sprintf("%s-%s-%s@%s", family, system, arch, t.Version())
}

// executables are the names to offer on PATH and, for each, where npm may have
// put the file, below node_modules. pnpm and bun ship the binary in a platform
// package, which their install scripts (not run here) would copy.
func (t Tool) executables() map[string]string {
	switch name := t.Name(); name {
	case "npm":
		return map[string]string{"npm": ".bin/npm", "npx": ".bin/npx"}
	case "pnpm":
		return map[string]string{"pnpm": "@pnpm/exe.*/pnpm"}
	case "bun":
		return map[string]string{"bun": "@oven/bun-*/bin/bun", "bunx": "@oven/bun-*/bin/bun"}
	case "node":
		return map[string]string{"node": "node-*/bin/node"}
	case "actions-artifact":
		return map[string]string{name: "@actions/artifact/lib/artifact.js"}
	case "axe-core":
		return map[string]string{"axe-core": "axe-core/axe.min.js"}
	default:
		return map[string]string{name: ".bin/" + name}
	}
}
