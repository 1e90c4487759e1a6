// Package worker runs tasks.
package worker
