// Package access says who may sign in, what each may do, and whose data each may see.
//
// In: the accounts and the role that a person or a token is trusted with; passwords, invitations and cookies. Out: a Scope, which
// every read of stored data takes as its first argument, and the rights of a Role (role.go is the whole table). It decides nothing
// about what is read: a reader that is handed a Scope narrows itself to it.
//
// Promises: secrets are kept as hashes only. An invitation is used once, and grants nothing that who invites does not have. There is always
// an admin who sees all once there was one, whoever changes what at the same time. The zero Scope sees nothing. The one way to see everything is the constructor Everything, so that a search
// for its name finds every place that does.
package access
