package build.kiln.runtime.node;

import build.kiln.runtime.cri.CriImage;
import build.kiln.runtime.node.NodeInventory.Use;
import build.kiln.runtime.node.NodeMemory.Seen;
import build.kiln.runtime.node.NodePlan.Verdict;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Decides which images of a node go. Pure; the same for any order of what is on the node. */
public final class NodePlanner {
  /** What installations call the image that holds a pod's namespaces. */
  private static final Pattern PAUSE = Pattern.compile("(.*/)?(mirrored-)?pause(-[a-z0-9]+)?");

  private static final Comparator<Verdict> ORDER =
      Comparator.comparing((Verdict verdict) -> verdict.reason().keeps())
          .thenComparing(verdict -> unusedSince(verdict.seen()).orElse(Instant.MAX))
          .thenComparing(verdict -> verdict.image().id());

  private final NodeRules rules;
  private final NodeMemory memory;
  private final Instant now;
  private final ImageNames used;
  private final ImageNames sandboxes;
  private final String runtime;
  private final boolean tellsPulled;

  private NodePlanner(
      NodeInventory inventory, NodeRules rules, NodeMemory memory, ImageNames used, Instant now) {
    this.runtime = inventory.runtime();
    this.tellsPulled = inventory.tellsPulled();
    this.used = used;
    this.sandboxes =
        ImageNames.of(
            inventory.sandboxImages().stream()
                .map(image -> new Use(image, "the runtime makes pods with it")));
    this.rules = rules;
    this.memory = memory;
    this.now = now;
  }

  /**
   * Makes a plan.
   *
   * @param before what earlier runs saw
   */
  public static NodePlan plan(
      NodeInventory inventory, NodeMemory before, NodeRules rules, Instant now) {
    List<CriImage> images = inventory.images();
    ImageNames used = ImageNames.of(inventory.uses().stream());
    NodeMemory memory =
        before.seeing(images, image -> used.of(image).isPresent(), now, rules.mostOfAGap());
    NodePlanner planner = new NodePlanner(inventory, rules, memory, used, now);
    List<Verdict> verdicts = images.stream().map(planner::verdict).sorted(ORDER).toList();
    NodePlan plan = new NodePlan(verdicts, memory, null);
    return new NodePlan(verdicts, memory, stop(plan, rules));
  }

  private static @Nullable String stop(NodePlan plan, NodeRules rules) {
    long removals = plan.removals().count();
    int images = plan.verdicts().size();
    if (removals > rules.maxDeletions()) {
      return "%d images would be removed, more than nodes.limits.maxDeletions (%d) allows: raise it"
          .formatted(removals, rules.maxDeletions());
    }
    return removals * 100 > (long) rules.maxPercent() * images
        ? "%d of %d images would be removed, more than nodes.limits.maxPercent (%d) allows: raise it"
            .formatted(removals, images, rules.maxPercent())
        : null;
  }

  private Verdict verdict(CriImage image) {
    Seen seen = Objects.requireNonNull(memory.images().get(image.id()));
    return stays(image, seen)
        .or(() -> recent(image, seen))
        .orElseGet(
            () ->
                new Verdict(
                    image,
                    seen,
                    NodeReason.UNUSED,
                    "nodes.unusedFor",
                    "no container of it was seen since " + seen.unusedSince()));
  }

  private Optional<Verdict> stays(CriImage image, Seen seen) {
    if (image.pinned()) {
      return keep(image, seen, NodeReason.PINNED, null, "the runtime has it pinned");
    }
    return sandboxes
        .of(image)
        .or(() -> pause(image))
        .flatMap(why -> keep(image, seen, NodeReason.SANDBOX, null, why))
        .or(() -> used.of(image).flatMap(by -> keep(image, seen, NodeReason.IN_USE, null, by)))
        .or(
            () ->
                rules
                    .keeps(image)
                    .flatMap(
                        pattern ->
                            keep(
                                image,
                                seen,
                                NodeReason.KEPT_BY_NAME,
                                pattern.rule(),
                                pattern.detail())))
        .or(
            () ->
                notPulled(image)
                    .flatMap(why -> keep(image, seen, NodeReason.NOT_PULLED, null, why)));
  }

  private Optional<String> notPulled(CriImage image) {
    Optional<String> local = image.localNames().findFirst();
    if (local.isPresent()) {
      return local.map("%s is a name of no registry, so it was made or loaded here"::formatted);
    }
    if (tellsPulled) {
      return image.isPulled()
          ? Optional.empty()
          : Optional.of(
              "a name of it has no digest of a registry, so it was loaded, and may be nowhere else");
    }
    return rules.saysPulled(image)
        ? Optional.empty()
        : Optional.of(
            "%s does not tell what was pulled and what was loaded: nodes.pulled may name what can be pulled again"
                .formatted(runtime));
  }

  private Optional<Verdict> recent(CriImage image, Seen seen) {
    if (younger(seen.firstSeen(), rules.gracePeriod())) {
      return keep(
          image,
          seen,
          NodeReason.YOUNG,
          "gracePeriod",
          "first seen with these names at " + seen.firstSeen());
    }
    Instant since = unusedSince(seen).orElse(now);
    return younger(since, rules.unusedFor())
        ? keep(
            image,
            seen,
            NodeReason.RECENTLY_USED,
            "nodes.unusedFor",
            "no container of it was seen since " + since)
        : Optional.empty();
  }

  private boolean younger(Instant since, Duration than) {
    return since.plus(than).isAfter(now);
  }

  private static Optional<Instant> unusedSince(Seen seen) {
    return Optional.ofNullable(seen.unusedSince());
  }

  private static Optional<String> pause(CriImage image) {
    return image
        .names()
        .filter(name -> PAUSE.matcher(name.replaceFirst("(:[^/]*)?(@.*)?$", "")).matches())
        .map(name -> name + " is what pods are made with")
        .findFirst();
  }

  private static Optional<Verdict> keep(
      CriImage image, Seen seen, NodeReason reason, @Nullable String rule, String detail) {
    return Optional.of(new Verdict(image, seen, reason, rule, detail));
  }
}
