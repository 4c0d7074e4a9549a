package engine

// chunks makes values that stay where they are, many with one allocation.
type chunks[T any] struct {
	unused []T
	next   int // the size of the next chunk
}

const maxChunk = 256

// add returns a copy of v that stays.
func (c *chunks[T]) add(v T) *T {
	s := c.list(1)
	s = append(s, v)
	return &s[0]
}

// list returns an empty list with room for n values.
func (c *chunks[T]) list(n int) []T {
	if len(c.unused) < n {
		c.unused = make([]T, max(c.next, n))
		c.next = min(max(2*len(c.unused), 4), maxChunk)
	}
	s := c.unused[:0:n]
	c.unused = c.unused[n:]
	return s
}
