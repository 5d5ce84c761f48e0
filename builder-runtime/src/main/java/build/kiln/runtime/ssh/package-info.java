/**
 * SSH agents that steps may use: sockets that speak the protocol of draft-ietf-sshm-ssh-agent. A
 * step never sees a private key.
 */
@NullMarked
package build.kiln.runtime.ssh;

import org.jspecify.annotations.NullMarked;
