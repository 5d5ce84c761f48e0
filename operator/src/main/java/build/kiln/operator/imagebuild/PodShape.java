package build.kiln.operator.imagebuild;

import build.kiln.api.v1alpha1.Isolation;
import io.fabric8.kubernetes.api.model.PodSecurityContext;
import io.fabric8.kubernetes.api.model.PodSecurityContextBuilder;
import io.fabric8.kubernetes.api.model.SecurityContext;
import io.fabric8.kubernetes.api.model.SecurityContextBuilder;
import org.jspecify.annotations.Nullable;

/**
 * What a tier asks of the pod. Namespaces and Chroot pass Pod Security baseline, NoRun restricted.
 *
 * @param hostUsers false for a user namespace of the pod's own
 */
record PodShape(@Nullable Boolean hostUsers, PodSecurityContext pod, SecurityContext container) {
  /** A user of no rights, for builders that run nothing. */
  private static final long NOBODY = 65532;

  static PodShape of(Isolation tier) {
    return switch (tier) {
      case Namespaces -> namespaces();
      case Chroot -> chroot();
      case NoRun -> noRun();
      case Auto ->
          throw new IllegalArgumentException("Auto is no pod's shape: a tier is chosen before");
    };
  }

  /**
   * Root of a user namespace, with default capabilities (SETUID, SETGID and SETFCAP map the nested
   * one) and an own /proc to mount. No seccomp profile is named: RuntimeDefault forbids unshare,
   * and baseline refuses Unconfined in words.
   */
  private static PodShape namespaces() {
    return new PodShape(
        false,
        new PodSecurityContext(),
        new SecurityContextBuilder().withRunAsUser(0L).withProcMount("Unmasked").build());
  }

  private static PodShape chroot() {
    return new PodShape(
        null,
        new PodSecurityContextBuilder()
            .withNewSeccompProfile()
            .withType("RuntimeDefault")
            .endSeccompProfile()
            .build(),
        new SecurityContextBuilder().withRunAsUser(0L).build());
  }

  private static PodShape noRun() {
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
