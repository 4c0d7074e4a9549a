package capture

// Text is a value that is captured already: its text as it may be kept. It stands
// for values that are in another process.
type Text string
