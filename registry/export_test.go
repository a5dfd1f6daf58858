package registry

import "time"

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
