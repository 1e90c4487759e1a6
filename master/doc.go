// Package master decides which worker runs which task.
package master
