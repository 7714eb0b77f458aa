// Package access says whose data a person or a token may see.
//
// In: the accounts that a person or a token is trusted with. Out: a Scope, which every read of stored data takes as its
// first argument. It decides nothing about what is read: a reader that is handed a Scope narrows itself to it.
//
// Promises: the zero Scope sees nothing. The one way to see everything is the constructor Everything, so that a search
// for its name finds every place that does.
package access
