package build.kiln.operator.imagepruning;

import build.kiln.api.v1alpha1.Durations;
import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.api.v1alpha1.ImagePrunePolicy;
import build.kiln.api.v1alpha1.ImagePrunePolicySpec.Nodes;
import build.kiln.api.v1alpha1.ScheduledRun;
import build.kiln.api.v1alpha1.Text;
import build.kiln.api.work.NodeOrder;
import build.kiln.api.work.PruneReport;
import build.kiln.api.work.Records;
import build.kiln.operator.imagepruning.NodeChoice.Skipped;
import build.kiln.operator.job.Attempt;
import build.kiln.operator.job.JobMaker;
import build.kiln.operator.job.JobObserver;
import build.kiln.operator.job.JobState;
import build.kiln.operator.job.Labels;
import build.kiln.operator.job.Pods;
import build.kiln.operator.job.Refusal;
import build.kiln.operator.job.Times;
import build.kiln.operator.scheduled.Conclusion;
import build.kiln.operator.scheduled.Follow;
import build.kiln.operator.scheduled.ScheduledReconciler;
import build.kiln.operator.settings.Settings;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.ListOptionsBuilder;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.Toleration;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Prunes nodes, a Job each, some at a time. All that it knows it reads from the cluster, so that it
 * may be asked by whichever operator leads; but for Jobs that were refused, which another operator
 * would be refused too.
 */
final class NodeSweep {
  private static final Logger LOG = LoggerFactory.getLogger(NodeSweep.class);

  private static final Duration POLL = Duration.ofSeconds(2);

  /** Nodes are listed at each look, which is longer for many. */
  private static final Duration POLL_OF_EACH = Duration.ofMillis(10);

  /** A pod that is kept from starting so long is not waited for. */
  private static final Duration STARTS_WITHIN = Duration.ofMinutes(2);

  private static final String HALTED =
      "the spec was changed while the policy is suspended, so this run goes no further";

  private static final String PART = "kiln.build/prune-part";
  private static final long PAGE = 50;

  private final KubernetesClient client;
  private final Settings.Nodes settings;
  private final NodeJobs specs;
  private final JobMaker jobs;
  private final JobObserver observer;
  private final List<Toleration> tolerated;

  /** Why the API server took no Job, by the policy's UID and the Job's name: it keeps no trace. */
  private final Map<String, Map<String, String>> refused = new ConcurrentHashMap<>();

  NodeSweep(ScheduledReconciler.Parts parts, Settings.Nodes settings) {
    this.client = parts.client();
    this.settings = settings;
    this.specs = new NodeJobs(parts.settings(), settings);
    this.jobs = new JobMaker(parts.client(), () -> "", NodeSweep::sameForAnyNonce);
    this.observer = new JobObserver(parts.client(), parts.settings());
    this.tolerated = parts.settings().defaults().tolerations();
  }

  /** An order of a node has no nonce, since its pod's log is nobody's to believe. */
  private static Optional<String> sameForAnyNonce(String order) {
    try {
      return Optional.of(Records.readNodeOrder(order)).map(_ -> "");
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  /**
   * What the nodes of a run have come to so far, and what is to be done next.
   *
   * @param ended when the policy's own pod ended; empty if nobody says
   */
  Follow<PruneReport> follow(
      ImagePrunePolicy policy,
      ScheduledRun run,
      Conclusion<PruneReport> pod,
      Optional<Instant> ended,
      Instant now) {
    Nodes rules = policy.getSpec().nodes();
    if (rules == null || pod.report() == null) {
      return new Follow.Done<>(pod);
    }
    var seen = look(policy, rules, run, now);
    List<Node> next = seen.next;
    if (!next.isEmpty() && late(policy, run, ended, now)) {
      next.forEach(node -> seen.ends.add(NodeEnd.failed(name(node), late(policy))));
      next = List.of();
    }
    if (next.isEmpty() && seen.underWay.isEmpty()) {
      return seen.done(pod, report());
    }
    var begin =
        next.stream()
            .filter(node -> seen.pods.stream().noneMatch(old -> inTheWay(old, node, run, now)))
            .limit(Math.max(0, settings.concurrency() - seen.underWay.size()))
            .toList();
    return new Follow.More<>(
        () -> {
          seen.attempts.stream()
              .filter(attempt -> attempt.run() != run.number())
              .forEach(this::delete);
          begin.forEach(node -> start(policy, rules, node, run.number()));
        },
        POLL.plus(POLL_OF_EACH.multipliedBy(seen.chosen)));
  }

  /** The same where the spec is not that of the run any more: what is not done is not done. */
  Follow<PruneReport> halt(
      ImagePrunePolicy policy, ScheduledRun run, Conclusion<PruneReport> pod, Instant now) {
    Nodes rules = policy.getSpec().nodes();
    if (rules == null || pod.report() == null) {
      return new Follow.Done<>(pod);
    }
    var seen = look(policy, rules, run, now);
    Stream.concat(seen.next.stream(), seen.underWay.stream())
        .forEach(node -> seen.ends.add(NodeEnd.failed(name(node), HALTED)));
    return seen.done(pod, report());
  }

  /** Ends what is under way of any run. */
  void stop(ImagePrunePolicy policy) {
    refused.remove(policy.getMetadata().getUid());
    attempts(policy, pods(policy)).stream().filter(Attempt::active).forEach(this::delete);
  }

  /** What a look at a run's nodes finds. */
  private static final class Seen {
    private final List<Pod> pods;
    private final List<Attempt> attempts;
    private final int chosen;
    private final List<NodeEnd> ends = new ArrayList<>();
    private final List<Node> next = new ArrayList<>();
    private final List<Node> underWay = new ArrayList<>();
    private int skipped;

    Seen(List<Pod> pods, List<Attempt> attempts, int chosen) {
      this.pods = pods;
      this.attempts = attempts;
      this.chosen = chosen;
    }

    Follow<PruneReport> done(Conclusion<PruneReport> pod, String report) {
      return new Follow.Done<>(new NodeSum(ends, skipped).with(pod, report));
    }
  }

  private Seen look(ImagePrunePolicy policy, Nodes rules, ScheduledRun run, Instant now) {
    var pods = pods(policy);
    var choice = NodeChoice.of(nodes(), rules, tolerated);
    var seen = new Seen(pods, attempts(policy, pods), choice.chosen().size());
    for (Node node : choice.chosen()) {
      var attempt = of(node, run, seen.attempts);
      if (attempt.isPresent()) {
        end(node, attempt.get(), now)
            .ifPresentOrElse(seen.ends::add, () -> seen.underWay.add(node));
      } else {
        refusal(policy, node, run)
            .ifPresentOrElse(
                why -> seen.ends.add(NodeEnd.failed(name(node), why)), () -> seen.next.add(node));
      }
    }
    for (Skipped node : choice.skipped()) {
      var attempt = of(node.node(), run, seen.attempts);
      attempt.ifPresent(
          begun ->
              seen.ends.add(
                  end(node.node(), begun, now)
                      .orElseGet(() -> NodeEnd.failed(name(node.node()), node.why()))));
      seen.skipped += attempt.isPresent() ? 0 : 1;
    }
    return seen;
  }

  /** Whether two pods would be at work on a node. */
  private static boolean inTheWay(Pod pod, Node node, ScheduledRun run, Instant now) {
    return node.getMetadata().getUid().equals(Labels.label(pod, Labels.NODE))
        && Pods.inTheWay(pod, run.number(), now);
  }

  private Optional<String> refusal(ImagePrunePolicy policy, Node node, ScheduledRun run) {
    var ofPolicy = refused.getOrDefault(policy.getMetadata().getUid(), Map.of());
    return Optional.ofNullable(ofPolicy.get(NodeJobs.name(policy, node, run.number())));
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

  /** Nodes have as much time as the run's own pod had, from its end on. */
  private static boolean late(
      ImagePrunePolicy policy, ScheduledRun run, Optional<Instant> ended, Instant now) {
    var time = Durations.parse(policy.getSpec().timeout());
    return ended
        .or(() -> Times.parse(run.startTime()).map(start -> start.plus(time)))
        .filter(begin -> now.isAfter(begin.plus(time)))
        .isPresent();
  }

  private static String late(ImagePrunePolicy policy) {
    return "it was not reached within the run's timeout (%s, counted anew after the policy's own pod): raise spec.timeout, or nodes.concurrency of the chart"
        .formatted(policy.getSpec().timeout());
  }

  /** A no of the API server is that node's failure, and none of the others'. */
  private void start(ImagePrunePolicy policy, Nodes rules, Node node, long run) {
    try {
      jobs.start(
          specs.spec(policy, rules, node, run),
          _ -> NodeJobs.order(policy, rules, node, run),
          Map.of());
    } catch (KubernetesClientException e) {
      var refusal = Refusal.of(e).orElseThrow(() -> e);
      var order = NodeJobs.name(policy, node, run);
      client.configMaps().inNamespace(settings.namespace()).withName(order).delete();
      refuse(policy, node, run, refusal.words());
    } catch (JobMaker.NameTakenException e) {
      refuse(policy, node, run, Text.orEmpty(e.getMessage()));
    }
  }

  private void refuse(ImagePrunePolicy policy, Node node, long run, String words) {
    var name = NodeJobs.name(policy, node, run);
    LOG.warn("the Job {} for node {} is refused: {}", name, name(node), words);
    refused
        .computeIfAbsent(policy.getMetadata().getUid(), _ -> new ConcurrentHashMap<>())
        .put(name, "its Job is refused: " + words);
  }

  /**
   * Tidies up behind a run whose result is on the status: Jobs that failed stay for as long as the
   * policy's history says, and what is remembered of nodes that are gone goes.
   */
  void tidy(ImagePrunePolicy policy) {
    refused.remove(policy.getMetadata().getUid());
    for (Attempt attempt : attempts(policy, pods(policy))) {
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

  private List<Attempt> attempts(ImagePrunePolicy policy, List<Pod> pods) {
    return observer.attempts(
        client
            .batch()
            .v1()
            .jobs()
            .inNamespace(settings.namespace())
            .withLabels(ofPolicy(policy))
            .list()
            .getItems(),
        pods);
  }

  private List<Pod> pods(ImagePrunePolicy policy) {
    return client
        .pods()
        .inNamespace(settings.namespace())
        .withLabels(ofPolicy(policy))
        .list()
        .getItems();
  }

  private static Map<String, String> ofPolicy(ImagePrunePolicy policy) {
    return Map.of(Labels.COMPONENT, NodeJobs.COMPONENT, Labels.UID, policy.getMetadata().getUid());
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
