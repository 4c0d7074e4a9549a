package engine

import (
	"reflect"
)

// A run keeps the values of its nodes in columns, one for each Go type, so that
// it allocates once per type rather than once per value, and boxes nothing.

// slot is the place of a value in a frame.
type slot struct{ column, row int32 }

// column holds all values of one type.
type column[T any] struct{ rows []T }

// columnKind makes columns of one type; kinds of the same type are equal.
type columnKind interface {
	make(rows int) anyColumn
	move(to *frame, d slot, from *frame, s slot)
	typ() reflect.Type
}

type anyColumn interface {
	clear()
	at(row int32) any
	decode(row int32, data []byte) error
}

type columnOf[T any] struct{}

func (columnOf[T]) make(rows int) anyColumn { return &column[T]{make([]T, rows)} }
func (columnOf[T]) typ() reflect.Type       { return reflect.TypeFor[T]() }

func (columnOf[T]) move(to *frame, d slot, from *frame, s slot) { store(to, d, load[T](from, s)) }

func (c *column[T]) clear()           { clear(c.rows) }
func (c *column[T]) at(row int32) any { return c.rows[row] }

func (c *column[T]) decode(row int32, data []byte) error {
	var v T
	if err := decodeValue(data, &v); err != nil {
		return err
	}
	c.rows[row] = v
	return nil
}

func load[T any](f *frame, s slot) T {
	return f.columns[s.column].(*column[T]).rows[s.row] //nolint:forcetypeassert // the handle had type T
}

func store[T any](f *frame, s slot, v T) {
	f.columns[s.column].(*column[T]).rows[s.row] = v //nolint:forcetypeassert // the handle had type T
}
