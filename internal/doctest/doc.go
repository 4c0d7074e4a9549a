// Package doctest holds what the README and the pages in docs say to what is
// true: their programs and examples are those in the tree, their output is theirs,
// their manifests are valid.
package doctest
