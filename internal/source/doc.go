// Package source is the table of doors that logs come in by, and what keeps them open.
//
// In: the sources that the desk lists, each of one kind with its settings. Out: deliveries, given to pipeline.Receiver, and a State for
// each source that people can look at. Each kind is a file beside this one and a line in Kinds.
//
// Promises: a source is acknowledged (a file noted, a message deleted) after all of an object is durable in the stream. A door that
// fails is opened again, later each time, and says why meanwhile. Sources that are added or removed while the program runs are
// taken up within a few seconds.
package source
