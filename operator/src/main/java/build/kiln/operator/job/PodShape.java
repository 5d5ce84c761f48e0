package build.kiln.operator.job;

import io.fabric8.kubernetes.api.model.PodSecurityContext;
import io.fabric8.kubernetes.api.model.PodSecurityContextBuilder;
import io.fabric8.kubernetes.api.model.SecurityContext;
import io.fabric8.kubernetes.api.model.SecurityContextBuilder;
import org.jspecify.annotations.Nullable;

/**
 * What the work of a pod asks of its security settings. The first two pass Pod Security baseline,
 * that of a node wants privileged for the volumes that it goes with, the last one restricted.
 *
 * @param hostUsers false for a user namespace of the pod's own
 */
public record PodShape(
    @Nullable Boolean hostUsers, PodSecurityContext pod, SecurityContext container) {
  /** A user of no rights. */
  private static final long NOBODY = 65532;

  /**
   * Root of a user namespace, with default capabilities (SETUID, SETGID and SETFCAP map the nested
   * one) and an own /proc to mount. No seccomp profile is named: RuntimeDefault forbids unshare,
   * and baseline refuses Unconfined in words.
   */
  public static PodShape namespaces() {
    return new PodShape(
        false,
        new PodSecurityContext(),
        new SecurityContextBuilder().withRunAsUser(0L).withProcMount("Unmasked").build());
  }

  /** Root of the container, without what could lead out of a root directory of its own. */
  public static PodShape chroot() {
    return new PodShape(
        null,
        new PodSecurityContextBuilder()
            .withNewSeccompProfile()
            .withType("RuntimeDefault")
            .endSeccompProfile()
            .build(),
        new SecurityContextBuilder().withRunAsUser(0L).build());
  }

  /**
   * For what speaks to the node's container runtime, whose socket is root's. The type is that of
   * processes which SELinux lets do so; where there is no SELinux it means nothing.
   */
  public static PodShape node() {
    return new PodShape(
        null,
        new PodSecurityContextBuilder()
            .withRunAsUser(0L)
            .withRunAsGroup(0L)
            .withNewSeccompProfile()
            .withType("RuntimeDefault")
            .endSeccompProfile()
            .withNewSeLinuxOptions()
            .withType("spc_t")
            .endSeLinuxOptions()
            .build(),
        new SecurityContextBuilder()
            .withAllowPrivilegeEscalation(false)
            .withNewCapabilities()
            .withDrop("ALL")
            .endCapabilities()
            .build());
  }

  /** For what runs nothing of a user's. */
  public static PodShape unprivileged() {
    return new PodShape(
        null,
        new PodSecurityContextBuilder()
            .withRunAsNonRoot(true)
            .withRunAsUser(NOBODY)
            .withRunAsGroup(NOBODY)
            .withFsGroup(NOBODY)
            // A cache's volume of many files is walked through once, and not before every build.
            .withFsGroupChangePolicy("OnRootMismatch")
            .withNewSeccompProfile()
            .withType("RuntimeDefault")
            .endSeccompProfile()
            .build(),
        new SecurityContextBuilder()
            .withAllowPrivilegeEscalation(false)
            .withNewCapabilities()
            .withDrop("ALL")
            .endCapabilities()
            .build());
  }
}
