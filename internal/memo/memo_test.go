package memo

import (
	"fmt"
	"testing"
	"time"
)

func TestOldestGoFirst(t *testing.T) {
	m := New[int](100, time.Now)
	for i := range 1000 {
		m.Put(fmt.Sprint(i), i, time.Hour)
	}
	if _, ok := m.Get("899"); ok || len(m.items) != 100 || m.order.Len() != 100 {
		t.Errorf("%d items are remembered, the first of them: %t", len(m.items), ok)
	}
	if v, ok := m.Get("999"); !ok || v != 999 {
		t.Errorf("get(999) = %d, %t", v, ok)
	}
}

func TestForgotten(t *testing.T) {
	now := time.Now()
	m := New[string](10, func() time.Time { return now })
	m.Put("a", "one", time.Minute)
	m.Put("b", "two", time.Hour)
	m.Put("a", "three", time.Minute)
	if v, ok := m.Get("a"); !ok || v != "three" {
		t.Errorf("Get(a) = %q, %t", v, ok)
	}
	now = now.Add(time.Minute)
	if v, ok := m.Get("a"); ok {
		t.Errorf("Get(a) = %q after its time", v)
	}
	m.Forget("b")
	if v, ok := m.Get("b"); ok || m.order.Len() != 0 {
		t.Errorf("Get(b) = %q after Forget, %d are left", v, m.order.Len())
	}
}
