package engine

// A run keeps the values of its nodes in columns, one for each Go type, so that
// it allocates once per type rather than once per value, and boxes nothing.

// slot is the place of a value in a frame.
type slot struct{ column, row int32 }

// column holds all values of one type.
type column[T any] struct{ rows []T }

// columnKind makes columns of one type; kinds of the same type are equal.
type columnKind interface {
	make(rows int) anyColumn
}

type anyColumn interface {
	clear()
	at(row int32) any
}

type columnOf[T any] struct{}

func (columnOf[T]) make(rows int) anyColumn { return &column[T]{make([]T, rows)} }

func (c *column[T]) clear()           { clear(c.rows) }
func (c *column[T]) at(row int32) any { return c.rows[row] }

func load[T any](f *frame, s slot) T {
	return f.columns[s.column].(*column[T]).rows[s.row] //nolint:forcetypeassert // the handle had type T
}

func store[T any](f *frame, s slot, v T) {
	f.columns[s.column].(*column[T]).rows[s.row] = v //nolint:forcetypeassert // the handle had type T
}
