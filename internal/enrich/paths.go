package enrich

import "github.com/tocsin-security/tocsin/internal/ocsf"

// at are the members of a record that facts are read from, by the vendor's names; formats that store them otherwise
// give them under these names too.
var at = struct {
	kind, arn, name, principal, account, accessKey, invokedBy, idp, issuerARN, issuerType, issuerName,
	mfa, roleDelivery, scopeOf, federatedProvider, sourceIdentity, fromConsole, assumedRoot,
	recipient, source, agent, errorCode, errorMessage, readOnly, eventType, category, service, operation,
	consoleLogin, mfaUsed, credentials, assumedARN, federatedARN, roleARN, sessionName, roleName, request, response, targetUser, serviceDetails ocsf.Path
}{
	ocsf.ParsePath("userIdentity.type"), ocsf.ParsePath("userIdentity.arn"), ocsf.ParsePath("userIdentity.userName"), ocsf.ParsePath("userIdentity.principalId"),
	ocsf.ParsePath("userIdentity.accountId"), ocsf.ParsePath("userIdentity.accessKeyId"), ocsf.ParsePath("userIdentity.invokedBy"), ocsf.ParsePath("userIdentity.identityProvider"),
	ocsf.ParsePath("userIdentity.sessionContext.sessionIssuer.arn"), ocsf.ParsePath("userIdentity.sessionContext.sessionIssuer.type"), ocsf.ParsePath("userIdentity.sessionContext.sessionIssuer.userName"),
	ocsf.ParsePath("userIdentity.sessionContext.attributes.mfaAuthenticated"), ocsf.ParsePath("userIdentity.sessionContext.ec2RoleDelivery"), ocsf.ParsePath("userIdentity.inScopeOf.issuerType"),
	ocsf.ParsePath("userIdentity.sessionContext.webIdFederationData.federatedProvider"), ocsf.ParsePath("userIdentity.sessionContext.sourceIdentity"),
	ocsf.ParsePath("sessionCredentialFromConsole"), ocsf.ParsePath("userIdentity.sessionContext.assumedRoot"),
	ocsf.ParsePath("recipientAccountId"), ocsf.ParsePath("sourceIPAddress"), ocsf.ParsePath("userAgent"), ocsf.ParsePath("errorCode"), ocsf.ParsePath("errorMessage"),
	ocsf.ParsePath("readOnly"), ocsf.ParsePath("eventType"), ocsf.ParsePath("eventCategory"), ocsf.ParsePath("eventSource"), ocsf.ParsePath("eventName"),
	ocsf.ParsePath("responseElements.ConsoleLogin"), ocsf.ParsePath("additionalEventData.MFAUsed"), ocsf.ParsePath("responseElements.credentials.accessKeyId"),
	ocsf.ParsePath("responseElements.assumedRoleUser.arn"), ocsf.ParsePath("responseElements.federatedUser.arn"), ocsf.ParsePath("requestParameters.roleArn"), ocsf.ParsePath("requestParameters.roleSessionName"), ocsf.ParsePath("requestParameters.roleName"),
	ocsf.ParsePath("requestParameters"), ocsf.ParsePath("responseElements"), ocsf.ParsePath("requestParameters.userName"), ocsf.ParsePath("serviceEventDetails"),
}
