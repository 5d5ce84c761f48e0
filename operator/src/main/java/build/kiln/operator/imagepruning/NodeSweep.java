package build.kiln.operator.imagepruning;

import build.kiln.api.v1alpha1.Durations;
import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.api.v1alpha1.ImagePrunePolicy;
import build.kiln.api.v1alpha1.ImagePrunePolicySpec.Nodes;
import build.kiln.api.v1alpha1.ScheduledRun;
import build.kiln.api.work.NodeOrder;
import build.kiln.api.work.PruneReport;
import build.kiln.api.work.Records;
import build.kiln.operator.imagepruning.NodeChoice.Skipped;
import build.kiln.operator.job.Attempt;
import build.kiln.operator.job.JobMaker;
import build.kiln.operator.job.JobObserver;
import build.kiln.operator.job.JobState;
import build.kiln.operator.job.Labels;
import build.kiln.operator.scheduled.Conclusion;
import build.kiln.operator.scheduled.Follow;
import build.kiln.operator.scheduled.ScheduledReconciler;
import build.kiln.operator.settings.Settings;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.ListOptionsBuilder;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Prunes nodes, a Job each, some at a time. All that it knows it reads from the cluster, so that it
 * may be asked by whichever operator leads.
 */
final class NodeSweep {
  private static final Logger LOG = LoggerFactory.getLogger(NodeSweep.class);

  private static final Duration POLL = Duration.ofSeconds(2);

  /** Nodes are listed at each look, which is longer for many. */
  private static final Duration POLL_OF_EACH = Duration.ofMillis(10);

  /** A pod that is kept from starting so long is not waited for. */
  private static final Duration STARTS_WITHIN = Duration.ofMinutes(2);

  private static final String PART = "kiln.build/prune-part";
  private static final long PAGE = 50;

  private final KubernetesClient client;
  private final Settings.Nodes settings;
  private final NodeJobs specs;
  private final JobMaker jobs;
  private final JobObserver observer;

  NodeSweep(ScheduledReconciler.Parts parts, Settings.Nodes settings) {
    this.client = parts.client();
    this.settings = settings;
    this.specs = new NodeJobs(parts.settings(), settings);
    this.jobs = new JobMaker(parts.client(), () -> "", NodeSweep::sameForAnyNonce);
    this.observer = new JobObserver(parts.client(), parts.settings());
  }

  /** An order of a node has no nonce, since its pod's log is nobody's to believe. */
  private static Optional<String> sameForAnyNonce(String order) {
    try {
      return Optional.of(Records.readNodeOrder(order)).map(_ -> "");
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  /** What the nodes of a run have come to so far, and what is to be done next. */
  Follow<PruneReport> follow(
      ImagePrunePolicy policy, ScheduledRun run, Conclusion<PruneReport> pod, Instant now) {
    Nodes rules = policy.getSpec().nodes();
    if (rules == null || pod.report() == null) {
      return new Follow.Done<>(pod);
    }
    var attempts = attempts(policy);
    var choice = NodeChoice.of(nodes(), rules);
    List<NodeEnd> ends = new ArrayList<>();
    List<Node> next = new ArrayList<>();
    int underWay = 0;
    for (Node node : choice.chosen()) {
      var attempt = of(node, run, attempts);
      if (attempt.isEmpty()) {
        next.add(node);
      } else {
        var end = end(node, attempt.get(), now);
        end.ifPresent(ends::add);
        underWay += end.isPresent() ? 0 : 1;
      }
    }
    int skipped = 0;
    for (Skipped node : choice.skipped()) {
      var attempt = of(node.node(), run, attempts);
      attempt.ifPresent(
          begun ->
              ends.add(
                  end(node.node(), begun, now)
                      .orElseGet(() -> NodeEnd.failed(name(node.node()), node.why()))));
      skipped += attempt.isPresent() ? 0 : 1;
    }
    if (!next.isEmpty() && late(policy, run, now)) {
      next.forEach(node -> ends.add(NodeEnd.failed(name(node), late(policy))));
      next.clear();
    }
    if (next.isEmpty() && underWay == 0) {
      return new Follow.Done<>(new NodeSum(ends, skipped).with(pod, report()));
    }
    var begin = next.stream().limit(Math.max(0, settings.concurrency() - underWay)).toList();
    return new Follow.More<>(
        () -> {
          attempts.stream().filter(attempt -> attempt.run() != run.number()).forEach(this::delete);
          begin.forEach(node -> start(policy, rules, node, run.number()));
        },
        POLL.plus(POLL_OF_EACH.multipliedBy(choice.chosen().size())));
  }

  private static Optional<Attempt> of(Node node, ScheduledRun run, List<Attempt> attempts) {
    return attempts.stream()
        .filter(attempt -> attempt.run() == run.number() && !attempt.leaving())
        .filter(
            attempt -> node.getMetadata().getUid().equals(Labels.label(attempt.job(), Labels.NODE)))
        .findFirst();
  }

  /** Empty while its pod may still say something. */
  private Optional<NodeEnd> end(Node node, Attempt attempt, Instant now) {
    String name = name(node);
    return switch (observer.state(attempt, Optional.empty(), now)) {
      case JobState.Running _ -> Optional.empty();
      case JobState.Waiting waiting ->
          waiting
              .blocker()
              .filter(_ -> waitsTooLong(attempt, now))
              .map(blocker -> NodeEnd.failed(name, blocker.message()));
      case JobState.NoUserNamespaces none ->
          Optional.of(none.blocker())
              .filter(_ -> waitsTooLong(attempt, now))
              .map(blocker -> NodeEnd.failed(name, blocker.message()));
      case JobState.Failed failed ->
          Optional.of(
              NodeEnd.failed(
                  name,
                  failed.failure().reason() == FailureReason.DeadlineExceeded
                      ? "its pod did not end within " + Durations.format(NodeJobs.TIMEOUT)
                      : failed.failure().message()));
      case JobState.Exited exited ->
          Optional.of(
              Records.readNodeOutcome(exited.message())
                  .map(outcome -> NodeEnd.told(name, outcome))
                  .orElseGet(
                      () ->
                          NodeEnd.failed(
                              name, exited.disrupted().orElseGet(exited::withoutWord).message())));
    };
  }

  private static boolean waitsTooLong(Attempt attempt, Instant now) {
    var created = attempt.job().getMetadata().getCreationTimestamp();
    return created != null && !now.isBefore(Instant.parse(created).plus(STARTS_WITHIN));
  }

  /** Nodes have as much time again as the run's own pod. */
  private static boolean late(ImagePrunePolicy policy, ScheduledRun run, Instant now) {
    var time = Durations.parse(policy.getSpec().timeout()).multipliedBy(2);
    try {
      return run.startTime() != null && now.isAfter(Instant.parse(run.startTime()).plus(time));
    } catch (DateTimeException e) {
      return false; // a status may have been written by anyone
    }
  }

  private static String late(ImagePrunePolicy policy) {
    return "it was not reached within the run's timeout (%s, and as much again for nodes): raise spec.timeout, or nodes.concurrency of the chart"
        .formatted(policy.getSpec().timeout());
  }

  private void start(ImagePrunePolicy policy, Nodes rules, Node node, long run) {
    jobs.start(
        specs.spec(policy, rules, node, run),
        _ -> NodeJobs.order(policy, rules, node, run),
        Map.of());
  }

  /**
   * Tidies up behind a run whose result is on the status: Jobs that failed stay for as long as the
   * policy's history says, and what is remembered of nodes that are gone goes.
   */
  void tidy(ImagePrunePolicy policy) {
    for (Attempt attempt : attempts(policy)) {
      if (attempt.end().isPresent() && !attempt.endedWell()) {
        if (!attempt.sealed()) {
          jobs.seal(
              settings.namespace(),
              attempt.name(),
              Durations.parse(policy.getSpec().history().ttl()));
        }
      } else {
        delete(attempt);
      }
    }
    if (policy.getSpec().nodes() != null) {
      forget(policy);
    }
  }

  private void delete(Attempt attempt) {
    if (!attempt.leaving()) {
      jobs.delete(settings.namespace(), attempt.name());
    }
  }

  private void forget(ImagePrunePolicy policy) {
    Set<String> there = new HashSet<>();
    nodes().forEach(node -> there.add(NodeOrder.part(node.getMetadata().getUid())));
    for (ConfigMap map : remembered()) {
      String part = Labels.label(map, PART);
      boolean ofNode = part != null && NodeOrder.isPart(part);
      if (ofNode
          && !there.contains(part)
          && map.hasOwnerReferenceFor(policy.getMetadata().getUid())) {
        LOG.info("forgets a node that is gone: {}", map.getMetadata().getName());
        client.resource(map).delete();
      }
    }
  }

  private List<ConfigMap> remembered() {
    List<ConfigMap> all = new ArrayList<>();
    String next = null;
    do {
      var page =
          client
              .configMaps()
              .inNamespace(settings.namespace())
              .list(
                  new ListOptionsBuilder()
                      .withLabelSelector(PART)
                      .withLimit(PAGE)
                      .withContinue(next)
                      .build());
      page.getItems().forEach(map -> all.add(withoutContent(map)));
      next = page.getMetadata() == null ? null : page.getMetadata().getContinue();
    } while (next != null && !next.isEmpty());
    return all;
  }

  private static ConfigMap withoutContent(ConfigMap map) {
    map.setBinaryData(null);
    return map;
  }

  private List<Attempt> attempts(ImagePrunePolicy policy) {
    var ofPolicy =
        Map.of(Labels.COMPONENT, NodeJobs.COMPONENT, Labels.UID, policy.getMetadata().getUid());
    return observer.attempts(
        client
            .batch()
            .v1()
            .jobs()
            .inNamespace(settings.namespace())
            .withLabels(ofPolicy)
            .list()
            .getItems(),
        client.pods().inNamespace(settings.namespace()).withLabels(ofPolicy).list().getItems());
  }

  private List<Node> nodes() {
    return client.nodes().list().getItems();
  }

  private static String name(Node node) {
    return node.getMetadata().getName();
  }

  private String report() {
    return "kubectl get configmaps -n %s -l %s -o json".formatted(settings.namespace(), PART);
  }
}
