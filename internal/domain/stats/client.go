package stats

import "strings"

// otherClient stands for all that is not known.
const otherClient = "other"

// families are the clients that are told apart, by what their User-Agent begins with.
var families = []string{"npm", "pnpm", "yarn", "bun", "deno", "zig", "lumen", "pantry", "curl", "wget", "git"}

// clientOf is the family and major version of a client, such as npm/11; nothing else of a User-Agent is kept.
func clientOf(userAgent string) string {
	product, rest, _ := strings.Cut(userAgent, "/")
	for _, family := range families {
		if !strings.EqualFold(product, family) {
			continue
		}
		if major := digits(rest); major != "" {
			return family + "/" + major
		}
		return family
	}
	return otherClient
}

// maxDigits is how many digits a major version can have. Whoever makes up others gets no rows of his own for them.
const maxDigits = 2

// digits is the number that a text begins with; "" if it has more than maxDigits.
func digits(text string) string {
	end := 0
	for end < len(text) && text[end] >= '0' && text[end] <= '9' {
		end++
	}
	if end > maxDigits {
		return ""
	}
	return text[:end]
}
