package registry

import (
	"time"

	"github.com/org/registry-action/internal/store/kv"
)

// Settling is c with another time after which the servers of a table that is left have stopped to write.
func Settling(c Config, d time.Duration) Config {
	c.settle = d
	return c
}

// Rechecking is c with another time after which a verification looks again at what it found wrong.
func Rechecking(c Config, d time.Duration) Config {
	c.recheck = d
	return c
}

// HeaderTime is c with another time that a client has for the head of a request.
func HeaderTime(c Config, d time.Duration) Config {
	c.headerTime = d
	return c
}

// Rows are all rows of a registry.
func Rows(r *Registry) kv.Walker { return r.stores.rows }

// Counts is the table that the statistics of a registry have of their own.
func Counts(r *Registry) DynamoDB { return r.stores.place.counts }
