// Package registry is the whole server as one value: it wires configuration to
// stores, stores to domain, domain to HTTP. The program registry-server and
// whoever embeds the server use the same door.
//
//	reg, err := registry.Local(".registry", "http://localhost:3000")
//	if err != nil { ... }
//	defer reg.Close()
//	err = reg.Serve(ctx, listener) // or use reg.Handler() in a server of your own, with go reg.Run(ctx)
//
// Its methods publish, read and list without HTTP, with all rights: who may
// call them is the caller's to decide.
package registry
