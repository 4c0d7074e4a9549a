package cache

// Stats is what a store has done since it was opened, and what it holds now.
type Stats struct {
	// Hits are the calls of Get that returned an entry.
	Hits int64
	// Misses are the calls of Get that did not, for whatever reason.
	Misses int64
	// Corrupt are the entries that were removed because they were damaged.
	Corrupt int64
	// Evicted are the entries that were removed because of the size limit.
	Evicted int64
	// Expired are the entries that were removed because of the age limit.
	Expired int64
	// Entries is the number of entries.
	Entries int
	// Bytes is what the entries take, as the size limit counts it.
	Bytes int64
}
