package auth

import (
	"context"
	"testing"
)

// BenchmarkIdentify is the cost that a token adds to a request.
func BenchmarkIdentify(b *testing.B) {
	w := closed(b)
	stored := w.token(NewToken{Name: "ci", Packages: []string{"@acme/*"}, CIDR: []string{"10.0.0.0/8"}})
	w.user("alice")
	for _, bb := range []struct {
		name string
		c    Credentials
	}{
		{"nothing", Credentials{}},
		{"root", Credentials{Token: rootToken}},
		{"token", Credentials{Token: stored, Addr: network10}},
		{"forged", Credentials{Token: stored[:len(stored)-1] + "!"}},
		{"password", Credentials{User: "alice", Token: password}},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					_, _ = w.Identify(context.Background(), bb.c)
				}
			})
		})
	}
}

// BenchmarkPassword is the slow check itself, with the cost that servers have.
func BenchmarkPassword(b *testing.B) {
	stored := defaultCost().hash(password)
	b.ReportAllocs()
	for b.Loop() {
		if right, err := matches(stored, password); !right || err != nil {
			b.Fatal(right, err)
		}
	}
}
