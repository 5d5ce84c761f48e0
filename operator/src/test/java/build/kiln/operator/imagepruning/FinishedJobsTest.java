package build.kiln.operator.imagepruning;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.api.v1alpha1.ImagePrunePolicySpec.Builds;
import build.kiln.operator.job.Labels;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.api.model.batch.v1.JobBuilder;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class FinishedJobsTest {
  private static final Instant NOW = Instant.parse("2026-06-01T12:00:00Z");
  private static final Builds BUILDS = new Builds(1, 2, "24h");

  /** A Job of a resource that ended so many hours ago, its result recorded. */
  private static Job job(String resource, String type, int hours) {
    return new JobBuilder()
        .withNewMetadata()
        .withName(resource + "-" + type + "-" + hours)
        .withLabels(Map.of(Labels.UID, resource))
        .endMetadata()
        .withNewSpec()
        .withTtlSecondsAfterFinished(999_999)
        .endSpec()
        .withNewStatus()
        .addNewCondition()
        .withType(type)
        .withStatus("True")
        .withLastTransitionTime(NOW.minusSeconds(hours * 3600L).toString())
        .endCondition()
        .endStatus()
        .build();
  }

  private static List<String> goes(List<Job> jobs) {
    List<Job> shuffled = new ArrayList<>(jobs);
    Collections.shuffle(shuffled, new Random(1));
    return FinishedJobs.superfluous(shuffled, BUILDS, NOW).stream()
        .map(job -> job.getMetadata().getName())
        .sorted()
        .toList();
  }

  @Test
  void ofEachResourceTheNewestOfEachKindStay() {
    assertThat(
            goes(
                List.of(
                    job("a", "Complete", 30),
                    job("a", "Complete", 40),
                    job("a", "Complete", 50),
                    job("a", "Failed", 30),
                    job("a", "Failed", 40),
                    job("a", "Failed", 50),
                    job("b", "Complete", 90))))
        .containsExactly("a-Complete-40", "a-Complete-50", "a-Failed-50");
  }

  @Test
  void whatIsOverForLessStaysWhateverTheirNumber() {
    assertThat(goes(List.of(job("a", "Complete", 1), job("a", "Complete", 23)))).isEmpty();
    assertThat(goes(List.of(job("a", "Complete", 1), job("a", "Complete", 24))))
        .containsExactly("a-Complete-24");
  }

  @Test
  void whatRunsOrHasNoRecordedResultOrNoTimeStays() {
    Job runs = job("a", "Complete", 50);
    runs.getStatus().setConditions(List.of());
    Job fresh = job("a", "Complete", 60);
    fresh.setStatus(null);
    Job unrecorded = job("a", "Complete", 70);
    unrecorded.getSpec().setTtlSecondsAfterFinished(null);
    Job timeless = job("a", "Complete", 80);
    timeless.getStatus().getConditions().getFirst().setLastTransitionTime(null);
    Job suspended = job("a", "Suspended", 90);

    assertThat(
            goes(List.of(job("a", "Complete", 30), runs, fresh, unrecorded, timeless, suspended)))
        .isEmpty();
  }
}
