package glob

import (
	"errors"
	"strings"
)

const (
	// maxDepth is how deep extglobs nest before they are literal text:
	// minimatch's maxExtglobRecursion.
	maxDepth = 2
	// maxCopies bounds what fillNegations copies: it doubles with every "!( )".
	maxCopies = 10_000
)

// node is a part of a segment's syntax tree: a sequence (kind 0) of text and
// extglobs, or an extglob whose children are its alternatives.
type node struct {
	kind     byte // 0 ! ? + * @
	parent   *node
	index    int // among the parent's children when made
	children []child
	bare     bool // an extglob with nothing in it
}

// child is text, or a node.
type child struct {
	text string
	node *node
}

func newNode(kind byte, parent *node) *node {
	n := &node{kind: kind, parent: parent}
	if parent != nil {
		n.index = len(parent.children)
	}
	return n
}

func (n *node) pushText(s string) {
	if s != "" {
		n.children = append(n.children, child{text: s})
	}
}

func (n *node) pushNode(c *node) { n.children = append(n.children, child{node: c}) }

func isExtglob(c byte) bool { return strings.IndexByte("!?+*@", c) >= 0 }

// adopts says which extglobs within an extglob are merged into it, and so do
// not count as a level of nesting.
func adopts(outer, inner byte) bool {
	switch outer {
	case '!', '?', '@':
		return inner == '?' || inner == '@'
	case '*', '+':
		return inner != '!'
	}
	return false
}

// scanner splits a segment into a syntax tree.
type scanner struct {
	glob   string
	negs   []*node // the "!" extglobs, in the order of their parentheses
	copied int     // children copied into them
}

// classScan follows backslashes and bracket classes, within which nothing is syntax.
type classScan struct {
	escaping, inside, negated bool
	start                     int
}

// plain reports whether the character before index next is text for one of these reasons.
func (s *classScan) plain(c byte, next int) bool {
	switch {
	case s.escaping || c == '\\':
		s.escaping = !s.escaping
	case s.inside:
		if next == s.start+1 {
			s.negated = c == '^' || c == '!'
		} else if c == ']' && (next != s.start+2 || !s.negated) {
			s.inside = false
		}
	case c == '[':
		s.inside, s.negated, s.start = true, false, next
	default:
		return false
	}
	return true
}

// sequence reads text and extglobs up to the end.
func (s *scanner) sequence(n *node) {
	scan := classScan{}
	from := 0
	for i := 0; i < len(s.glob); {
		c := s.glob[i]
		i++
		if scan.plain(c, i) || !isExtglob(c) || !s.opens(i) {
			continue
		}
		n.pushText(s.glob[from : i-1])
		ext := s.open(c, n)
		i = s.alternatives(ext, i, 1)
		from = i
		n.pushNode(ext)
	}
	n.pushText(s.glob[from:])
}

// alternatives reads an extglob's alternatives; pos is its open parenthesis. It
// returns the index after the closing one.
func (s *scanner) alternatives(n *node, pos, depth int) int {
	scan := classScan{}
	part := newNode(0, n)
	var parts []*node
	from := pos + 1
	for i := pos + 1; i < len(s.glob); {
		c := s.glob[i]
		i++
		switch {
		case scan.plain(c, i):
		case isExtglob(c) && s.opens(i) && (depth <= maxDepth || adopts(n.kind, c)):
			part.pushText(s.glob[from : i-1])
			ext := s.open(c, part)
			part.pushNode(ext)
			deeper := depth + 1
			if adopts(n.kind, c) {
				deeper = depth
			}
			i = s.alternatives(ext, i, deeper)
			from = i
		case c == '|':
			part.pushText(s.glob[from : i-1])
			parts = append(parts, part)
			part = newNode(0, n)
			from = i
		case c == ')':
			part.pushText(s.glob[from : i-1])
			n.bare = len(parts) == 0 && len(part.children) == 0
			for _, p := range append(parts, part) {
				n.pushNode(p)
			}
			return i
		}
	}
	// No closing parenthesis: it is text after all.
	n.kind = 0
	n.children = []child{{text: s.glob[pos-1:]}}
	return len(s.glob)
}

func (s *scanner) opens(i int) bool { return i < len(s.glob) && s.glob[i] == '(' }

func (s *scanner) open(kind byte, parent *node) *node {
	n := newNode(kind, parent)
	if kind == '!' {
		s.negs = append(s.negs, n)
	}
	return n
}

// fillNegations copies into each "!" extglob what follows it: "!(a)b" must not
// match "ab", though its "!(a)" could match nothing.
func (s *scanner) fillNegations() error {
	for i := len(s.negs) - 1; i >= 0; i-- {
		neg := s.negs[i]
		if neg.kind != '!' {
			continue
		}
		for n := neg; n.parent != nil; n = n.parent {
			if n.parent.kind != 0 {
				continue
			}
			for _, c := range n.parent.children[min(n.index+1, len(n.parent.children)):] {
				for _, alternative := range neg.children {
					s.copy(alternative.node, c)
				}
				if s.copied > maxCopies {
					return errors.New("it has too many !( ) after one another")
				}
			}
		}
	}
	return nil
}

func (s *scanner) copy(to *node, c child) {
	s.copied++
	if c.node == nil {
		to.pushText(c.text)
		return
	}
	if s.copied > maxCopies {
		return
	}
	clone := newNode(c.node.kind, to)
	for _, inner := range c.node.children {
		s.copy(clone, inner)
	}
	to.pushNode(clone)
}

// isStart and isEnd report whether the node can match at the segment's start
// and end.
func (n *node) isStart() bool {
	if n.parent == nil {
		return true
	}
	if !n.parent.isStart() {
		return false
	}
	for _, before := range n.parent.children[:min(n.index, len(n.parent.children))] {
		if before.node == nil || before.node.kind != '!' {
			return false
		}
	}
	return true
}

func (n *node) isEnd() bool {
	switch {
	case n.parent == nil || n.parent.kind == '!':
		return true
	case !n.parent.isEnd():
		return false
	case n.kind == 0:
		return true
	}
	return n.index == len(n.parent.children)-1
}
