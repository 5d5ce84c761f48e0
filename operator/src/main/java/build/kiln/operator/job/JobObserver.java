package build.kiln.operator.job;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.api.v1alpha1.Text;
import build.kiln.operator.settings.Settings;
import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Looks at the Jobs of a resource, and asks the API server no more than the informers leave open.
 */
public final class JobObserver {
  /** A Job whose pod is not there after this has trouble that only events tell. */
  private static final Duration POD_IS_MADE_WITHIN = Duration.ofSeconds(2);

  private final KubernetesClient client;
  private final Settings settings;

  public JobObserver(KubernetesClient client, Settings settings) {
    this.client = client;
    this.settings = settings;
  }

  /**
   * The attempts of a resource's runs, newest first.
   *
   * @param jobs of the resource, as the informer knows them
   * @param pods of the resource, as the informer knows them
   */
  public List<Attempt> attempts(Collection<Job> jobs, Collection<Pod> pods) {
    List<Attempt> attempts = new ArrayList<>();
    for (var job : jobs) {
      attempts.add(new Attempt(job, podsOf(job, pods)));
    }
    attempts.sort(Attempt.NEWEST_FIRST);
    return attempts;
  }

  /** The same with one that the informer does not know, yet or any more. */
  public static List<Attempt> with(List<Attempt> attempts, Job job) {
    List<Attempt> all = new ArrayList<>(attempts);
    all.add(new Attempt(job, List.of()));
    all.sort(Attempt.NEWEST_FIRST);
    return all;
  }

  /** Asks the API server for a Job. */
  public Optional<Job> job(String namespace, String name) {
    return Optional.ofNullable(
        client.batch().v1().jobs().inNamespace(namespace).withName(name).get());
  }

  /**
   * What an attempt says now.
   *
   * @param known what kept its pod from running when last looked at
   */
  public JobState state(Attempt attempt, Optional<Blocker> known, Instant now) {
    return JobReader.read(
        withPods(attempt), events(attempt, now), known, now, settings.startGrace());
  }

  /** What kept a run's pod from running, as the conditions said last. */
  public static Optional<Blocker> blocker(@Nullable List<Condition> conditions) {
    return Conditions.find(conditions, Conditions.READY)
        .filter(ready -> "False".equals(ready.getStatus()))
        .flatMap(
            ready ->
                Arrays.stream(FailureReason.values())
                    .filter(reason -> reason.name().equals(ready.getReason()))
                    .findFirst()
                    .map(reason -> new Blocker(reason, Text.orEmpty(ready.getMessage()))));
  }

  /** The informer of pods may be behind that of Jobs: an end without a pod is asked for once. */
  private Attempt withPods(Attempt attempt) {
    boolean told = attempt.end().isEmpty() || attempt.newestPod().filter(Pods::over).isPresent();
    if (told) {
      return attempt;
    }
    return new Attempt(
        attempt.job(),
        podsOf(
            attempt.job(),
            client
                .pods()
                .inNamespace(attempt.job().getMetadata().getNamespace())
                .withLabels(attempt.selector())
                .list()
                .getItems()));
  }

  private List<EventNote> events(Attempt attempt, Instant now) {
    if (attempt.end().isPresent()) {
      return List.of();
    }
    var pod = attempt.newestPod();
    if (pod.isEmpty()) {
      return old(attempt.job(), POD_IS_MADE_WITHIN, now)
          ? events(attempt.job(), Instant.MIN)
          : List.of();
    }
    if (Pods.over(pod.get())) {
      return old(pod.get(), settings.startGrace(), now)
          ? events(attempt.job(), Instant.parse(pod.get().getMetadata().getCreationTimestamp()))
          : List.of();
    }
    var phase = pod.get().getStatus() == null ? null : pod.get().getStatus().getPhase();
    boolean pending = phase == null || phase.equals("Pending");
    return pending && old(pod.get(), settings.startGrace(), now)
        ? events(pod.get(), Instant.MIN)
        : List.of();
  }

  private List<EventNote> events(HasMetadata of, Instant after) {
    return client
        .v1()
        .events()
        .inNamespace(of.getMetadata().getNamespace())
        .withField("involvedObject.uid", of.getMetadata().getUid())
        .list()
        .getItems()
        .stream()
        .filter(event -> EventNote.time(event).isAfter(after))
        .sorted(Comparator.comparing(EventNote::time))
        .map(
            event ->
                new EventNote(Text.orEmpty(event.getReason()), Text.orEmpty(event.getMessage())))
        .toList();
  }

  private static boolean old(HasMetadata resource, Duration age, Instant now) {
    var created = resource.getMetadata().getCreationTimestamp();
    return created != null && !now.isBefore(Instant.parse(created).plus(age));
  }

  private static List<Pod> podsOf(Job job, Collection<Pod> pods) {
    return pods.stream()
        .filter(
            pod ->
                pod.getMetadata().getOwnerReferences() != null
                    && pod.getMetadata().getOwnerReferences().stream()
                        .anyMatch(
                            owner -> Objects.equals(owner.getUid(), job.getMetadata().getUid())))
        .toList();
  }
}
