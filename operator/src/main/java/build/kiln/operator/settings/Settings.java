package build.kiln.operator.settings;

import static java.util.Objects.requireNonNullElse;
import static java.util.Objects.requireNonNullElseGet;

import build.kiln.api.v1alpha1.Durations;
import com.fasterxml.jackson.annotation.JsonInclude;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.ResourceRequirements;
import io.fabric8.kubernetes.api.model.Toleration;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The installation's settings, as the file that {@code KILN_SETTINGS} names holds them (YAML or
 * JSON). Only {@code builderImage} has no default. Durations are written as in "90s" or "1h30m".
 *
 * @param builderImage the image of builder pods
 * @param builderImagePullPolicy Always, IfNotPresent or Never
 * @param builderImagePullSecrets Secrets, in the namespace of each build, for the builder's image
 * @param watchNamespaces the namespaces whose ImageBuilds and ImageMirrors are worked on; empty:
 *     all
 * @param mirrors upstream registry host to its mirrors (host or URL), tried in order before it
 * @param insecureRegistries registries (host or host:port) over plain HTTP or unverified TLS
 * @param caDirectory a folder in the operator's pod whose *.pem and *.crt files builders trust too
 * @param proxies HTTP_PROXY, HTTPS_PROXY, NO_PROXY for builders and, as predefined ARGs, for RUN;
 *     without user and password
 * @param allowedBases globs over registry/repository that base images must match; empty: all.
 *     {@code {namespace}} stands for the namespace of the build or the mirror
 * @param allowedOutputs the same for what is pushed, and for what is mirrored
 * @param allowChroot whether {@code isolation: Auto} may choose Chroot by itself
 * @param maxConcurrentBuilds builder Jobs at a time, 1 or more
 * @param maxConcurrentBuildsPerNamespace builder Jobs of one namespace at a time, 1 or more
 * @param maxConcurrentMirrors Jobs of ImageMirrors at a time, 1 or more
 * @param maxConcurrentMirrorsPerNamespace Jobs of ImageMirrors of one namespace at a time, 1 or
 *     more
 * @param defaults what builder pods get that ask for nothing
 * @param podStartGrace how long a pod may fail to start before the status says why
 * @param missingPoll how often a missing Secret or ConfigMap, or a refused pod, is looked at again
 * @param progressInterval how often a running build's progress is read
 * @param retry when a run that failed for a reason that may pass is run again
 * @param leaderElection who of several operators works
 * @param prune where ImagePrunePolicies are carried out; they are not if it is not set
 * @param nodes where images on nodes are removed from; they are not if it is not set
 * @param httpPort of /healthz, /readyz and /metrics; 0 takes a free one
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record Settings(
    String builderImage,
    String builderImagePullPolicy,
    List<String> builderImagePullSecrets,
    Set<String> watchNamespaces,
    Map<String, List<String>> mirrors,
    List<String> insecureRegistries,
    @Nullable String caDirectory,
    Map<String, String> proxies,
    List<String> allowedBases,
    List<String> allowedOutputs,
    Boolean allowChroot,
    Integer maxConcurrentBuilds,
    Integer maxConcurrentBuildsPerNamespace,
    Integer maxConcurrentMirrors,
    Integer maxConcurrentMirrorsPerNamespace,
    Defaults defaults,
    String podStartGrace,
    String missingPoll,
    String progressInterval,
    Retry retry,
    LeaderElection leaderElection,
    @Nullable Prune prune,
    @Nullable Nodes nodes,
    Integer httpPort) {

  private static final Set<String> PULL_POLICIES = Set.of("Always", "IfNotPresent", "Never");
  private static final Set<String> PROXIES = Set.of("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY");
  private static final Pattern NAMESPACE = Pattern.compile("[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?");

  public Settings {
    if (builderImage == null || builderImage.isBlank()) {
      throw new SettingsException(
          "builderImage is missing: set it to the image of the builder, such as registry.example.com/kiln/builder:1.0");
    }
    builderImagePullPolicy = requireNonNullElse(builderImagePullPolicy, "IfNotPresent");
    check(
        PULL_POLICIES.contains(builderImagePullPolicy),
        "builderImagePullPolicy",
        builderImagePullPolicy,
        "Always, IfNotPresent or Never");
    builderImagePullSecrets = copy(builderImagePullSecrets);
    watchNamespaces = watchNamespaces == null ? Set.of() : Set.copyOf(watchNamespaces);
    for (var namespace : watchNamespaces) {
      check(
          NAMESPACE.matcher(namespace).matches(),
          "watchNamespaces",
          namespace,
          "names of namespaces, or an empty list for all of them");
    }
    mirrors = mirrors == null ? Map.of() : Map.copyOf(mirrors);
    insecureRegistries = copy(insecureRegistries);
    for (var registry : insecureRegistries) {
      check(
          !registry.contains("/"),
          "insecureRegistries",
          registry,
          "host or host:port, without https:// and without a path");
    }
    proxies = proxies == null ? Map.of() : Map.copyOf(proxies);
    for (var name : proxies.keySet()) {
      check(PROXIES.contains(name), "proxies", name, "HTTP_PROXY, HTTPS_PROXY and NO_PROXY");
    }
    withoutCredentials("proxies", proxies.get("HTTP_PROXY"));
    withoutCredentials("proxies", proxies.get("HTTPS_PROXY"));
    mirrors.values().stream()
        .flatMap(List::stream)
        .forEach(mirror -> withoutCredentials("mirrors", mirror));
    allowedBases = copy(allowedBases);
    allowedOutputs = copy(allowedOutputs);
    allowChroot = requireNonNullElse(allowChroot, false);
    maxConcurrentBuilds = requireNonNullElse(maxConcurrentBuilds, 20);
    atLeastOne("maxConcurrentBuilds", maxConcurrentBuilds);
    maxConcurrentBuildsPerNamespace = requireNonNullElse(maxConcurrentBuildsPerNamespace, 10);
    atLeastOne("maxConcurrentBuildsPerNamespace", maxConcurrentBuildsPerNamespace);
    maxConcurrentMirrors = requireNonNullElse(maxConcurrentMirrors, 10);
    atLeastOne("maxConcurrentMirrors", maxConcurrentMirrors);
    maxConcurrentMirrorsPerNamespace = requireNonNullElse(maxConcurrentMirrorsPerNamespace, 5);
    atLeastOne("maxConcurrentMirrorsPerNamespace", maxConcurrentMirrorsPerNamespace);
    defaults = requireNonNullElseGet(defaults, () -> new Defaults(null, null, Map.of(), List.of()));
    podStartGrace = duration("podStartGrace", podStartGrace, "20s");
    missingPoll = duration("missingPoll", missingPoll, "10s");
    progressInterval = duration("progressInterval", progressInterval, "3s");
    retry = requireNonNullElseGet(retry, () -> new Retry("5m", "1h", "20s", "10m"));
    leaderElection =
        requireNonNullElseGet(
            leaderElection, () -> new LeaderElection(true, "kiln-operator", null));
    httpPort = requireNonNullElse(httpPort, 8080);
    check(httpPort >= 0 && httpPort <= 65535, "httpPort", String.valueOf(httpPort), "a port or 0");
  }

  /**
   * What a builder pod gets if its {@code podTemplate} and {@code workspace} say nothing.
   *
   * @param resources requests and limits of the builder container
   * @param workspaceSize the size limit of the workspace's emptyDir; none if not set
   * @param nodeSelector nodes that builder pods run on
   * @param tolerations taints that builder pods tolerate
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Defaults(
      @Nullable ResourceRequirements resources,
      @Nullable Quantity workspaceSize,
      Map<String, String> nodeSelector,
      List<Toleration> tolerations) {
    public Defaults {
      if (workspaceSize != null) {
        boolean good;
        try {
          good = workspaceSize.getNumericalAmount().signum() > 0;
        } catch (RuntimeException e) {
          good = false;
        }
        check(good, "defaults.workspaceSize", workspaceSize.toString(), "a size such as 10Gi");
      }
      nodeSelector = nodeSelector == null ? Map.of() : Map.copyOf(nodeSelector);
      tolerations = tolerations == null ? List.of() : List.copyOf(tolerations);
    }
  }

  /**
   * Waiting times between runs: the first, doubled with each further failure up to the longest.
   *
   * @param initial after the Job's own retries are used up (registry or source down, node trouble)
   * @param max the longest such wait
   * @param missingInitial after the builder did not find its source or a Secret's key, or the
   *     timeout came before its pod had room, leave or an image
   * @param missingMax the longest such wait
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Retry(String initial, String max, String missingInitial, String missingMax) {
    public Retry {
      initial = duration("retry.initial", initial, "5m");
      max = duration("retry.max", max, "1h");
      missingInitial = duration("retry.missingInitial", missingInitial, "20s");
      missingMax = duration("retry.missingMax", missingMax, "10m");
    }
  }

  /**
   * Leader election by a Lease.
   *
   * @param enabled false where only one operator can be
   * @param leaseName the Lease
   * @param leaseNamespace its namespace; the operator's own (environment POD_NAMESPACE) if not set
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record LeaderElection(Boolean enabled, String leaseName, @Nullable String leaseNamespace) {
    public LeaderElection {
      enabled = requireNonNullElse(enabled, true);
      leaseName = requireNonNullElse(leaseName, "kiln-operator");
    }
  }

  /**
   * Where ImagePrunePolicies are carried out.
   *
   * @param namespace of their Jobs, their Secrets and what they remember
   * @param serviceAccount their pods', which may read what refers to images
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Prune(String namespace, String serviceAccount) {
    public Prune {
      check(
          namespace != null && NAMESPACE.matcher(namespace).matches(),
          "prune.namespace",
          String.valueOf(namespace),
          "the name of a namespace");
      check(
          serviceAccount != null && !serviceAccount.isBlank(),
          "prune.serviceAccount",
          String.valueOf(serviceAccount),
          "the name of a ServiceAccount");
    }
  }

  /**
   * How images are removed from nodes: by pods that mount the socket of the node's runtime, which
   * is as good as to be root there.
   *
   * @param namespace of their Jobs and of what is remembered; it must admit privileged pods
   * @param serviceAccount their pods', which writes there what is remembered
   * @param socket of CRI on the nodes
   * @param concurrency how many nodes at a time
   * @param resources of their pods
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Nodes(
      String namespace,
      String serviceAccount,
      String socket,
      Integer concurrency,
      @Nullable ResourceRequirements resources) {
    private static final Pattern PATH = Pattern.compile("(/(?!\\.\\.?(/|$))[^/\\p{Cntrl}]+)+");

    public Nodes {
      check(
          namespace != null && NAMESPACE.matcher(namespace).matches(),
          "nodes.namespace",
          String.valueOf(namespace),
          "the name of a namespace");
      check(
          serviceAccount != null && !serviceAccount.isBlank(),
          "nodes.serviceAccount",
          String.valueOf(serviceAccount),
          "the name of a ServiceAccount");
      socket = requireNonNullElse(socket, "/run/containerd/containerd.sock");
      check(
          PATH.matcher(socket).matches(),
          "nodes.socket",
          socket,
          "the absolute path of a socket, such as /run/containerd/containerd.sock");
      concurrency = requireNonNullElse(concurrency, 10);
      atLeastOne("nodes.concurrency", concurrency);
    }
  }

  /** {@link #podStartGrace} as a duration. */
  public Duration startGrace() {
    return Durations.parse(podStartGrace);
  }

  /** {@link #missingPoll} as a duration. */
  public Duration pollOfMissing() {
    return Durations.parse(missingPoll);
  }

  /** {@link #progressInterval} as a duration. */
  public Duration pollOfProgress() {
    return Durations.parse(progressInterval);
  }

  private static String duration(String name, @Nullable String value, String byDefault) {
    String text = requireNonNullElse(value, byDefault);
    boolean positive;
    try {
      positive = Durations.parse(text).isPositive();
    } catch (IllegalArgumentException e) {
      positive = false;
    }
    check(positive, name, text, "a duration longer than zero, as in 90s or 1h30m");
    return text;
  }

  private static void atLeastOne(String name, int value) {
    check(value >= 1, name, String.valueOf(value), "1 or more");
  }

  private static void check(boolean good, String name, String value, String wanted) {
    if (!good) {
      throw new SettingsException(
          "%s cannot be \"%s\": it must be %s".formatted(name, value, wanted));
    }
  }

  /** Whatever is set here stands in the order of every build, which its namespace may read. */
  private static void withoutCredentials(String name, @Nullable String address) {
    if (address != null && address.contains("@")) {
      throw new SettingsException(
          "%s must not hold user and password, since every namespace with a build could read them: let the address in without, or put a proxy of your own before it"
              .formatted(name));
    }
  }

  private static List<String> copy(@Nullable List<String> list) {
    return list == null ? List.of() : List.copyOf(list);
  }
}
