// Package registry is the whole server as one value: it wires configuration to
// stores, stores to domain, domain to HTTP. The program registry-server and
// whoever embeds the server use the same door.
//
//	reg, err := registry.New(registry.Config{DataDir: ".registry", BaseURL: "http://localhost:3000"})
//	if err != nil { ... }
//	defer reg.Close()
//	go reg.Run(ctx) // removes what has expired
//	http.ListenAndServe("localhost:3000", reg.Handler())
package registry
