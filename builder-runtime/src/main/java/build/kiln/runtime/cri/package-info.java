/**
 * The few calls of a node's container runtime (CRI, {@code runtime.v1}) that removing images needs:
 * gRPC over the runtime's Unix socket. No gRPC library: a builder that needs none of it must not
 * carry one, and one call at a time is a few frames of HTTP/2.
 */
@NullMarked
package build.kiln.runtime.cri;

import org.jspecify.annotations.NullMarked;
