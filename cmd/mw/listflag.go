package main

import "github.com/urfave/cli/v2"

// A listFlag is a flag that may be given many times, by its name and by a short
// one in any order. Of a slice flag with an alias cli takes only one of the
// names in a command line, and copies what it got by way of JSON, which changes
// what is not UTF-8. So it is two flags, of one list.
type listFlag struct {
	*cli.StringSliceFlag
	short string // for the help
}

func (f listFlag) String() string { return flagHelp(f) }

// splitLists makes a listFlag and a hidden flag of each slice flag with an alias.
func splitLists(flags []cli.Flag) []cli.Flag {
	var hidden []cli.Flag
	for i, f := range flags {
		list, ok := f.(*cli.StringSliceFlag)
		if !ok || len(list.Aliases) != 1 {
			continue
		}
		short := list.Aliases[0]
		list.Aliases, list.Destination = nil, cli.NewStringSlice()
		flags[i] = listFlag{list, short}
		hidden = append(hidden, &cli.StringSliceFlag{Name: short, Destination: list.Destination, Hidden: true})
	}
	return append(flags, hidden...)
}
