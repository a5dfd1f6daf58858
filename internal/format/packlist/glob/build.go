package glob

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

func compileExpression(glob string) (part, error) {
	s := scanner{glob: glob}
	root := newNode(0, nil)
	s.sequence(root)
	if err := s.fillNegations(); err != nil {
		return part{}, err
	}
	b := builder{}
	steps := b.sequence(root)
	if b.unicode {
		b = builder{unicode: true}
		steps = b.sequence(root)
	}
	if text, ok := literalText(steps); ok {
		return part{kind: literal, text: text}, nil
	}
	return part{kind: expression, expr: &expr{steps: steps, unicode: b.unicode}}, nil
}

// literalText is the text of steps that are nothing else.
func literalText(steps []step) (string, bool) {
	units := make([]uint16, 0, len(steps))
	for _, s := range steps {
		if s.op != opChar || s.char > 0xFFFF {
			return "", false
		}
		units = append(units, uint16(s.char))
	}
	return string(utf16.Decode(units)), true
}

// builder turns a syntax tree into steps.
type builder struct{ unicode bool }

func (b *builder) sequence(n *node) []step {
	lone := n.isStart() && n.isEnd()
	for _, c := range n.children {
		lone = lone && c.node == nil
	}
	var steps []step
	for _, c := range n.children {
		switch {
		case c.node == nil:
			steps = append(steps, b.text(c.text, lone && strings.Trim(c.text, "*") == "")...)
		case c.node.kind == 0:
			steps = append(steps, b.sequence(c.node)...)
		default:
			steps = append(steps, b.extglob(c.node)...)
		}
	}
	return steps
}

func (b *builder) extglob(n *node) []step {
	if n.kind == '!' && n.bare {
		return []step{{op: opNotNobody}}
	}
	whole := n.kind != '!' && n.isStart() && n.isEnd()
	s := step{op: map[byte]op{'!': opNot, '?': opOptional, '*': opRepeat, '+': opRepeat1, '@': opOne}[n.kind]}
	for _, c := range n.children {
		if alt := b.sequence(c.node); len(alt) > 0 || !whole {
			s.alts = append(s.alts, alt)
		}
	}
	if len(s.alts) == 0 { // nothing in it and nothing around it: it is text
		var steps []step
		for _, c := range n.String() {
			steps = append(steps, b.char(c)...)
		}
		return steps
	}
	return []step{s}
}

// String is the source of an extglob without content.
func (n *node) String() string {
	return string(n.kind) + "(" + strings.Repeat("|", max(len(n.children)-1, 0)) + ")"
}

// text compiles a piece of glob without extglobs.
func (b *builder) text(glob string, notEmpty bool) []step {
	var steps []step
	star := false
	for i := 0; i < len(glob); {
		c, size := utf8.DecodeRuneInString(glob[i:])
		if c == '*' {
			if !star {
				steps = append(steps, step{op: opStar})
			}
			star = true
			i++
			continue
		}
		star = false
		switch {
		case c == '\\' && i+1 < len(glob):
			c, size = utf8.DecodeRuneInString(glob[i+1:])
			size++
		case c == '[':
			if cl, n := parseClass(glob[i:]); n > 0 {
				b.unicode = b.unicode || cl.unicode
				steps = append(steps, cl.step(b.unicode))
				i += n
				continue
			}
		case c == '?':
			steps = append(steps, step{op: opAny})
			i++
			continue
		}
		steps = append(steps, b.char(c)...)
		i += size
	}
	if notEmpty && len(steps) == 1 && steps[0].op == opStar {
		steps[0].op = opStarSome
	}
	return steps
}

// char matches one character: two code units if it is beyond the BMP.
func (b *builder) char(c rune) []step {
	switch {
	case b.unicode:
		return []step{{char: foldRuneUnicode(c)}}
	case c > 0xFFFF:
		hi, lo := utf16.EncodeRune(c)
		return []step{{char: hi}, {char: lo}}
	}
	return []step{{char: foldRune(c)}}
}
