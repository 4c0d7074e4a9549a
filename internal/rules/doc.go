// Package rules holds tests that prove how the packages of this repository may
// depend on each other. It has no code of its own.
package rules
