// Package clients brings the real package managers and Zig compilers that tests
// run: pinned versions, installed once from the npm registry and PyPI into a cache
// folder of the project's own, never into the machine's global folders.
//
// Only tests and `make tools` use it; no program links it.
package clients
