/**
 * The few calls that a pod makes to the Kubernetes API as its own account: lists, and objects of
 * its own. No client library: a pod that needs none of it must not carry one.
 */
@NullMarked
package build.kiln.runtime.cluster;

import org.jspecify.annotations.NullMarked;
