package cli

import (
	"io"
	"strings"

	"charm.land/lipgloss/v2"
)

// table is rows of cells in aligned columns, two spaces apart. Cells are one
// line each; columns that are empty in every row are left out.
type table struct {
	header []string
	rows   [][]string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// write prints the header, when there is one, and the rows.
func (t *table) write(w io.Writer) {
	rows := t.rows
	if len(t.header) > 0 {
		if len(rows) == 0 {
			return
		}
		rows = append([][]string{t.header}, rows...)
	}
	widths := t.widths(rows)
	var b strings.Builder
	for _, row := range rows {
		start, gap := b.Len(), 0
		for i, cell := range row {
			if widths[i] == 0 {
				continue
			}
			cell = oneLine(cell)
			if cell != "" {
				b.WriteString(strings.Repeat(" ", gap))
				b.WriteString(cell)
				gap = 0
			}
			gap += widths[i] - lipgloss.Width(cell) + 2
		}
		if b.Len() > start || len(row) > 0 {
			b.WriteByte('\n')
		}
	}
	io.WriteString(w, b.String())
}

// widths are the columns' widths in cells of a terminal, 0 for a column that
// holds nothing but perhaps its header.
func (t *table) widths(rows [][]string) []int {
	var widths []int
	var filled []bool
	for n, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths, filled = append(widths, 0), append(filled, false)
			}
			widths[i] = max(widths[i], lipgloss.Width(oneLine(cell)))
			filled[i] = filled[i] || cell != "" && (n > 0 || len(t.header) == 0)
		}
	}
	for i := range widths {
		if !filled[i] {
			widths[i] = 0
		}
	}
	return widths
}

// oneLine keeps a cell on its line.
func oneLine(s string) string {
	if !strings.ContainsAny(s, "\n\r\t") {
		return s
	}
	return strings.Join(strings.Fields(s), " ")
}
