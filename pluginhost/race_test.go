//go:build race

package pluginhost

const raced = true
