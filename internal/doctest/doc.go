// Package doctest holds what the README says to what is true: its programs are
// those in the tree, its output is theirs, its manifests are valid.
package doctest
