package build.kiln.operator.imagebuild;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.api.v1alpha1.Isolation;
import build.kiln.operator.job.Admission.Admitted;
import build.kiln.operator.job.Admission.Refused;
import build.kiln.operator.job.Admission.Verdict;
import build.kiln.operator.job.SecretFiles;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/** Chooses the strongest isolation that the cluster admits and the installation allows. */
final class TierChoice {
  private static final String NOT_ALLOWED =
      "Chroot is not chosen: the installation does not allow it (allowChroot)";

  private TierChoice() {}

  /**
   * For a run's first attempt.
   *
   * @param admission asks for the pod of a tier
   */
  static Readiness first(
      Isolation requested,
      boolean allowChroot,
      Function<Isolation, Verdict> admission,
      SecretFiles secrets) {
    List<String> notes = new ArrayList<>();
    for (var tier :
        requested == Isolation.Auto ? strongestFirst(allowChroot) : List.of(requested)) {
      switch (admission.apply(tier)) {
        case Admitted _ -> {
          if (tier == Isolation.NoRun && requested == Isolation.Auto && !allowChroot) {
            notes.add(NOT_ALLOWED);
          }
          return new Readiness.Go(tier, String.join("; ", notes), secrets);
        }
        case Refused refused -> notes.add("%s is refused: %s".formatted(tier, refused.words()));
      }
    }
    return new Readiness.Missing(
        FailureReason.PodRefused,
        "no builder pod is admitted here. %s. %s"
            .formatted(
                String.join("; ", notes),
                requested == Isolation.Auto
                    ? "Change podTemplate, or the namespace's policy"
                    : "Choose another spec.isolation (NoRun passes Pod Security restricted), or change the namespace's policy"));
  }

  /**
   * For the attempt after one whose sandbox did not start; a tier without RUN would not help, since
   * a sandbox is only started where there is one.
   */
  static Readiness weaker(
      Isolation failed,
      String why,
      boolean allowChroot,
      Function<Isolation, Verdict> admission,
      SecretFiles secrets) {
    var note = "%s does not start: %s".formatted(failed, why);
    if (failed != Isolation.Namespaces) {
      return new Readiness.NoTierLeft(note);
    }
    if (!allowChroot) {
      return new Readiness.NoTierLeft(note + "; " + NOT_ALLOWED);
    }
    return switch (admission.apply(Isolation.Chroot)) {
      case Admitted _ -> new Readiness.Go(Isolation.Chroot, note, secrets);
      case Refused refused ->
          new Readiness.NoTierLeft("%s; Chroot is refused: %s".formatted(note, refused.words()));
    };
  }

  private static List<Isolation> strongestFirst(boolean allowChroot) {
    return allowChroot
        ? List.of(Isolation.Namespaces, Isolation.Chroot, Isolation.NoRun)
        : List.of(Isolation.Namespaces, Isolation.NoRun);
  }
}
