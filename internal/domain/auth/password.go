package auth

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// cost is what a check of a password costs (argon2id).
type cost struct {
	memory  uint32 // KiB
	time    uint32
	threads uint8
}

// defaultCost is OWASP's advice for argon2id with the least memory: two checks at a time take 38 MiB.
func defaultCost() cost { return cost{memory: 19 << 10, time: 2, threads: 1} }

// The bounds of what a stored hash may ask for; a broken row must not take the server's memory.
const (
	maxMemory  = 1 << 20 // KiB
	maxTime    = 100
	maxThreads = 16
	saltBytes  = 16
	hashBytes  = 32
)

// hash makes what is stored of a password: argon2's own text form, with its parameters and a random salt.
func (c cost) hash(password string) string {
	salt := random(saltBytes)
	return c.format(salt, c.derive(password, salt, hashBytes))
}

// fake is a hash of no password, which takes as long to check as a real one.
func (c cost) fake() string { return c.format(random(saltBytes), random(hashBytes)) }

func (c cost) format(salt, sum []byte) string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.memory, c.time, c.threads, b64.EncodeToString(salt), b64.EncodeToString(sum))
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

func (c cost) derive(password string, salt []byte, n int) []byte {
	return argon2.IDKey([]byte(password), salt, c.time, c.memory, c.threads, uint32(n))
}

// matches checks a password against a stored hash.
func matches(stored, password string) (bool, error) {
	c, salt, want, err := parseHash(stored)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(c.derive(password, salt, len(want)), want) == 1, nil
}

func parseHash(stored string) (c cost, salt, sum []byte, err error) {
	broken := func(what string) (cost, []byte, []byte, error) {
		return cost{}, nil, nil, fmt.Errorf("a stored password hash is broken: %s", what)
	}
	parts := strings.Split(stored, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return broken("its form")
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.memory, &c.time, &c.threads); err != nil ||
		c.memory > maxMemory || c.time < 1 || c.time > maxTime || c.threads < 1 || c.threads > maxThreads {
		return broken("its parameters")
	}
	if salt, err = base64.RawStdEncoding.DecodeString(parts[4]); err != nil {
		return broken("its salt")
	}
	if sum, err = base64.RawStdEncoding.DecodeString(parts[5]); err != nil || len(sum) < saltBytes {
		return broken("its sum")
	}
	return c, salt, sum, nil
}
