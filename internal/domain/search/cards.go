package search

import (
	"encoding/binary"
	"fmt"
	"strings"
	"sync"

	"github.com/blevesearch/bleve/v2/index/scorch"
	index "github.com/blevesearch/bleve_index_api"
)

// cards remembers the cards of all documents, a hundred bytes of each: reading those of one search from the index takes
// longer than all else. A segment of the index never changes, so its cards are read once.
type cards struct {
	mu        sync.Mutex
	bySegment map[uint64][]card
}

// deck is the cards of the index as it is at one moment.
type deck struct {
	segments [][]card
	starts   []uint64 // the number of the first document of each segment
}

// at returns the card of a document; ok is false if it has none.
func (d deck) at(doc uint64) (c *card, ok bool) {
	i := len(d.starts) - 1
	for i > 0 && d.starts[i] > doc {
		i--
	}
	if i < 0 || doc-d.starts[i] >= uint64(len(d.segments[i])) {
		return nil, false
	}
	c = &d.segments[i][doc-d.starts[i]]
	return c, c.id != ""
}

// deck returns the cards of what a reader sees, and forgets those of segments that are gone.
func (c *cards) deck(v *view) (deck, error) {
	segments, err := segmentsOf(v.r)
	if err != nil {
		return deck{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	present := map[uint64][]card{}
	var d deck
	start := uint64(0)
	for _, segment := range segments {
		id, size := segment.Id(), uint64(segment.FullSize())
		all, known := c.bySegment[id]
		if !known {
			if all, err = readCards(v, start, size); err != nil {
				return deck{}, err
			}
		}
		present[id] = all
		d.segments, d.starts = append(d.segments, all), append(d.starts, start)
		start += size
	}
	c.bySegment = present
	return d, nil
}

func segmentsOf(r index.IndexReader) ([]*scorch.SegmentSnapshot, error) {
	snapshot, ok := r.(*scorch.IndexSnapshot)
	if !ok {
		return nil, fmt.Errorf("the index is read by a %T", r)
	}
	return snapshot.Segments(), nil
}

// stateOf tells what a reader sees from what others do: a segment never changes, but documents go from it.
func stateOf(r index.IndexReader) (string, error) {
	segments, err := segmentsOf(r)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, segment := range segments {
		fmt.Fprintf(&b, "%d:%d ", segment.Id(), segment.Count())
	}
	return b.String(), nil
}

// forget drops all cards: those of another index have the same numbers.
func (c *cards) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bySegment = nil
}

// readCards reads the cards of the documents of a segment.
func readCards(v *view, start, size uint64) ([]card, error) {
	values, err := v.r.DocValueReader([]string{fieldCard})
	if err != nil {
		return nil, err
	}
	all := make([]card, size)
	var number [8]byte
	for i := range all {
		binary.BigEndian.PutUint64(number[:], start+uint64(i))
		err := values.VisitDocValues(index.IndexInternalID(number[:]), func(_ string, value []byte) { all[i] = readCard(value) })
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// card is what the rank of a document depends on. In the index it is a text:
//
//	12345 07 3 npm/@acme/utils
//
// without the spaces: the day of its last change, ten times the logarithm of its downloads, how many words its name
// has, and its id.
type card struct {
	id        string
	name      string // the key in the id, folded
	kind      Kind
	day       int32
	downloads uint8 // 10 × log10(1 + n)
	words     uint8
}

const cardHead = 5 + 2 + 1

// readCard reads what cardOf wrote; anything else is the zero card.
func readCard(text []byte) card {
	if len(text) <= cardHead {
		return card{}
	}
	var n [cardHead]int32
	for i := range n {
		if text[i] < '0' || text[i] > '9' {
			return card{}
		}
		n[i] = int32(text[i] - '0')
	}
	id := string(text[cardHead:])
	kind, key := partID(id)
	return card{
		id: id, name: fold(key), kind: kind, day: n[0]*1e4 + n[1]*1e3 + n[2]*100 + n[3]*10 + n[4],
		downloads: uint8(n[5]*10 + n[6]), words: uint8(n[7]),
	}
}

// partID is the inverse of Document.id.
func partID(id string) (Kind, string) {
	kind, key, _ := strings.Cut(id, "/")
	return Kind(kind), key
}
