package build.kiln.operator.imagebuild;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.api.v1alpha1.Isolation;
import build.kiln.operator.job.Admission;
import build.kiln.operator.job.SecretFiles;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TierChoiceTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          # asked     | chroot allowed | admitted                | taken
          Auto        | false | Namespaces Chroot NoRun | Namespaces
          Auto        | true  | Namespaces Chroot NoRun | Namespaces
          Auto        | true  | Chroot NoRun            | Chroot
          Auto        | false | Chroot NoRun            | NoRun
          Auto        | true  | NoRun                   | NoRun
          Auto        | true  | -                       |
          Namespaces  | true  | Chroot NoRun            |
          Namespaces  | false | Namespaces              | Namespaces
          # asked for by name it needs no leave
          Chroot      | false | Namespaces Chroot NoRun | Chroot
          NoRun       | false | Namespaces Chroot NoRun | NoRun
          """)
  void first(Isolation asked, boolean chroot, String admitted, @Nullable Isolation taken) {
    var choice = TierChoice.first(asked, chroot, admitting(admitted), SecretFiles.NONE);
    if (taken == null) {
      assertThat(choice).isInstanceOf(Readiness.Missing.class);
      var missing = (Readiness.Missing) choice;
      assertThat(missing.reason()).isEqualTo(FailureReason.PodRefused);
      assertThat(missing.message()).contains("Namespaces is refused: words of Namespaces");
    } else {
      assertThat(choice).isInstanceOf(Readiness.Go.class);
      var go = (Readiness.Go) choice;
      assertThat(go.tier()).isEqualTo(taken);
      assertThat(go.note().isEmpty())
          .isEqualTo(asked != Isolation.Auto || taken == Isolation.Namespaces);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          Namespaces | true  | Chroot NoRun | Chroot |
          Namespaces | false | Chroot NoRun |        | allowChroot
          Namespaces | true  | NoRun        |        | words of Chroot
          Chroot     | true  | NoRun        |        | Chroot does not start: EPERM
          """)
  void weaker(
      Isolation failed,
      boolean chroot,
      String admitted,
      @Nullable Isolation taken,
      @Nullable String words) {
    var choice = TierChoice.weaker(failed, "EPERM", chroot, admitting(admitted), SecretFiles.NONE);
    if (taken == null) {
      assertThat(choice).isInstanceOf(Readiness.NoTierLeft.class);
      assertThat(((Readiness.NoTierLeft) choice).message()).contains(words);
    } else {
      assertThat(choice)
          .isEqualTo(new Readiness.Go(taken, "Namespaces does not start: EPERM", SecretFiles.NONE));
    }
  }

  private static Function<Isolation, Admission.Verdict> admitting(String tiers) {
    var admitted = Set.of(tiers.split(" "));
    return tier ->
        admitted.contains(tier.name())
            ? new Admission.Admitted()
            : new Admission.Refused("words of " + tier);
  }
}
