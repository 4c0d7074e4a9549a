package main

import "github.com/spanloom/spanloom/engine"

// The steps are plain functions; see steps.go.
var (
	Walk      = engine.Node("walk", walk)           // string -> []string
	Parse     = engine.Node("parse", parse)         // string -> File
	Group     = engine.Node("group", group)         // []File -> [][]File
	Summarise = engine.Node("summarise", summarise) // []File -> Package
	Rank      = engine.Node("rank", rank)           // []Package -> []Package
	Report    = engine.Node2("report", report)      // string, []Package -> string
)

// Packages makes the statistics of each package.
var Packages = engine.Define("packages", func(g *engine.Graph, files engine.Value[[]File]) engine.Value[[]Package] {
	packages := engine.Map(g, Summarise, engine.Add(g, Group, files))
	return engine.Add(g, Rank, packages)
})

// Analyse reads the Go files below a directory and reports on them.
var Analyse = engine.Define("analyse", func(g *engine.Graph, dir engine.Value[string]) engine.Value[string] {
	files := engine.Map(g, Parse, engine.Add(g, Walk, dir)) // in parallel
	packages := engine.Add(g, Packages, files)              // a pipeline is a step
	return engine.Add2(g, Report, dir, packages)
})
