package cache

// Tiered is what a [Store] also implements that says what kind of place it is, in a
// word: "memory" and "disk" are those of this module. Telemetry tells look-ups apart
// by it.
type Tiered interface {
	Tier() string
}
