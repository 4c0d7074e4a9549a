package bench

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// WriteTable writes results for people.
func WriteTable(w io.Writer, list []Result) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "workload\tengine\tp50 ns\tp99 ns\tallocs\tbytes\tvs limit\t")
	for i, r := range list {
		if i > 0 && r.Workload != list[i-1].Workload {
			fmt.Fprintln(tw, "\t\t\t\t\t\t\t")
		}
		ratio := "-"
		if r.VsLimit > 0 {
			ratio = fmt.Sprintf("%.1fx", r.VsLimit)
		}
		fmt.Fprintf(tw, "%s\t%s\t%.1f\t%.1f\t%.2f\t%.0f\t%s\t\n",
			r.Workload, r.Engine, r.P50, r.P99, r.Allocs, r.Bytes, ratio)
	}
	return tw.Flush()
}
