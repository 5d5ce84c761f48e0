package build.kiln.runtime.cli;

import build.kiln.api.v1alpha1.ImagePrunePolicySpec;
import build.kiln.api.work.ExitCode;
import build.kiln.runtime.oci.OciException;
import build.kiln.runtime.prune.DirectoryManifestCache;
import build.kiln.runtime.prune.DirectoryShardStore;
import build.kiln.runtime.prune.Executor;
import build.kiln.runtime.prune.InUse;
import build.kiln.runtime.prune.KubernetesUses.Source;
import build.kiln.runtime.prune.LedgerBook;
import build.kiln.runtime.prune.MirrorMapping;
import build.kiln.runtime.prune.PlanInput;
import build.kiln.runtime.prune.PolicyRun;
import build.kiln.runtime.prune.RegistryAlias;
import build.kiln.runtime.prune.RunReport;
import build.kiln.runtime.prune.StoredPlan;
import build.kiln.runtime.registry.RegistryClient;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** What a policy's run needs to be told at a desk: what is in use, and where the ledger is. */
final class PruneUseOptions {
  private List<String> inUse = List.of();
  private boolean noInUse;
  private List<String> mirrors = List.of();
  private List<String> aliases = List.of();
  private @Nullable Path state;

  /** Adds these options. */
  void syntax(Syntax syntax) {
    syntax
        .list(
            "--in-use=[CLUSTER=]FILE",
            "Of an ImagePrunePolicy, what is needed: the output of kubectl get -o json, or an image reference a line. CLUSTER: a name in registries[].sharedWith.",
            values -> inUse = values)
        .flag(
            "--no-in-use",
            "Nothing is in use that the policy's rules do not keep anyway.",
            on -> noInUse = on)
        .list(
            "--mirror=UPSTREAM=MIRROR",
            "Two names of the same repositories, such as docker.io=registry.example.com/hub.",
            values -> mirrors = values)
        .list(
            "--alias=REGISTRY=OTHER",
            "Two names of one registry, such as registry.kiln.svc:5000=localhost:5000; as registries[].aliases.",
            values -> aliases = values)
        .option(
            "--state=DIR",
            "Where the ledger and reports of pruning are kept, beside the local store if not said.",
            text -> state = Path.of(text));
  }

  private @Nullable PlanInput planned;

  Path state() {
    return state == null ? Desk.ofThisProcess().store().resolveSibling("kiln-prune") : state;
  }

  LedgerBook book() throws IOException {
    return new LedgerBook(new DirectoryShardStore(state().resolve("ledger")));
  }

  /** What a run works with. */
  PolicyRun.Tools tools(
      RegistryClient client, Executor.CurrentUse use, Consumer<RunReport.Outcome> listener)
      throws IOException {
    return new PolicyRun.Tools(
        client,
        book(),
        new DirectoryManifestCache(state().resolve("manifests")),
        use,
        List::of,
        new StoredPlan(new DirectoryShardStore(state().resolve("plan"))),
        Clock.systemUTC(),
        listener);
  }

  /**
   * What is in use, as the files say whenever that is asked.
   *
   * @param wanted whether the policy protects what is in use
   * @throws CommandFailure of USAGE if that is not known, or cannot be read now
   */
  DeskUse use(List<Source> sources, boolean wanted) throws CommandFailure {
    if (wanted && inUse.isEmpty() && !noInUse) {
      throw CommandFailure.usage(
          "what is in use is not known: give it with --in-use FILE, or say --no-in-use");
    }
    InUse names = InUse.mapped(mirrors()).and(InUse.aliased(aliases()));
    var use = new DeskUse(files(), sources, names, wanted && !noInUse);
    try {
      use.now();
      return use;
    } catch (IOException e) {
      throw new CommandFailure(ExitCode.USAGE, String.valueOf(e.getMessage()), e);
    }
  }

  private List<DeskUse.From> files() {
    return inUse.stream()
        .map(
            option -> {
              int equals = option.indexOf('=');
              return new DeskUse.From(
                  option.substring(0, Math.max(0, equals)), Path.of(option.substring(equals + 1)));
            })
        .toList();
  }

  /** What a plan of a policy is made of. */
  PlanInput input(ImagePrunePolicySpec spec) throws CommandFailure {
    return new PlanInput(spec, !inUse.isEmpty(), clusters(), mirrors(), aliases());
  }

  private List<String> clusters() {
    return files().stream().map(DeskUse.From::cluster).filter(name -> !name.isEmpty()).toList();
  }

  /**
   * Takes over the names that a plan was made with.
   *
   * @throws CommandFailure of USAGE if use that it was made with is not given now
   */
  void mustKnow(PlanInput plan) throws CommandFailure {
    if (plan.inUse() && inUse.isEmpty()) {
      throw CommandFailure.usage(
          "the plan was made with what was in use: give it again as it is now, with --in-use FILE");
    }
    for (String cluster : plan.clusters()) {
      if (!clusters().contains(cluster)) {
        throw CommandFailure.usage(
            "the plan was made with what cluster %s used: give it again as it is now, with --in-use %s=FILE"
                .formatted(cluster, cluster));
      }
    }
    planned = plan;
  }

  private List<MirrorMapping> mirrors() throws CommandFailure {
    List<MirrorMapping> all =
        pairs("--mirror", "docker.io=registry.example.com/hub", mirrors, MirrorMapping::of);
    all.addAll(planned == null ? List.of() : planned.mirrors());
    return all;
  }

  private List<RegistryAlias> aliases() throws CommandFailure {
    List<RegistryAlias> all =
        pairs("--alias", "registry.kiln.svc:5000=localhost:5000", aliases, RegistryAlias::new);
    all.addAll(planned == null ? List.of() : planned.aliases());
    return all;
  }

  private static <T> List<T> pairs(
      String option, String example, List<String> texts, BiFunction<String, String, T> made)
      throws CommandFailure {
    List<T> all = new ArrayList<>();
    for (String text : texts) {
      int equals = text.indexOf('=');
      if (equals < 0) {
        throw CommandFailure.usage("%s %s: want two names, as %s".formatted(option, text, example));
      }
      try {
        all.add(made.apply(text.substring(0, equals), text.substring(equals + 1)));
      } catch (OciException e) {
        throw CommandFailure.usage("%s %s: %s".formatted(option, text, e.getMessage()));
      }
    }
    return all;
  }
}
