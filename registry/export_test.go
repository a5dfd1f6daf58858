package registry

import "time"

// Settling is c with another time after which the servers of a table that is left have stopped to write.
func Settling(c Config, d time.Duration) Config {
	c.settle = d
	return c
}
