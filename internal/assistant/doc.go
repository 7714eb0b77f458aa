// Package assistant lets an assistant read what its person may read, by the Model Context Protocol.
//
// In: a call of a tool. Out: a text with the answer of the API in it, asked with the credentials of whoever called: the same layer, rights
// and scope as everybody, and the same audit log. There is no tool that changes anything.
//
//	tools.go    the table of tools: what each asks of the API
//	mark.go     how an answer is marked as data, and cut to a bound
//
// Promises: what came out of a log stands inside the marks, as JSON in which no < is left, so that no text can end its mark or begin
// another. An answer has at most MaxAnswer bytes, and says what was cut.
package assistant
