package build.kiln.api.v1alpha1;

import build.kiln.api.v1alpha1.ImageBuildSpec.History;
import build.kiln.api.v1alpha1.ImageBuildSpec.PodTemplate;
import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Default;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.Toleration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What may be deleted, and what never. Values that the manifest leaves out are the defaults of the
 * CRD's schema, here too.
 */
@JsonIgnoreProperties(ignoreUnknown = true)
@JsonInclude(JsonInclude.Include.NON_NULL)
@ValidationRule(
    value = "!has(self.timeZone) || has(self.schedule)",
    message = "spec.timeZone is the zone of spec.schedule, which is missing")
@ValidationRule(
    value = "has(self.registries) || has(self.cache) || has(self.builds) || has(self.nodes)",
    message =
        "spec needs registries, cache, builds or nodes: without them there is nothing to prune")
@ValidationRule(
    value = "!has(self.nodes) || !has(self.protect) || !has(self.protect.labels)",
    message = ImagePrunePolicySpec.LABELS_AND_NODES)
public record ImagePrunePolicySpec(
    @Size(min = 1, max = 128)
        @ValidationRule(value = ScheduleRules.SCHEDULE, message = ScheduleRules.SCHEDULE_MESSAGE)
        @JsonPropertyDescription(
            "When to run, as cron writes it: minute, hour, day of month, month, day of week.")
        @Nullable String schedule,
    @Size(min = 1, max = 64)
        @ValidationRule(value = ScheduleRules.TIME_ZONE, message = ScheduleRules.TIME_ZONE_MESSAGE)
        @JsonPropertyDescription("The schedule's time zone, such as Europe/Zurich; UTC if not set.")
        @Nullable String timeZone,
    @Default("false")
        @JsonPropertyDescription("No new run is started while true; one that is under way goes on.")
        Boolean suspend,
    @Default("true")
        @JsonPropertyDescription(
            "Whether runs only say what they would delete. Nothing is deleted until this is false.")
        Boolean dryRun,
    @Default("24h")
        @Size(max = 32)
        @ValidationRule(
            value =
                ImageBuildSpec.DURATION
                    + " && duration(self) >= duration('1h') && duration(self) <= duration('8760h')",
            message = "gracePeriod must be a duration from 1h to 8760h, such as 24h")
        @JsonPropertyDescription(
            "What was first seen, or got a tag, less than this ago is kept whatever the rules say.")
        String gracePeriod,
    @Size(min = 1, max = 32)
        @JsonPropertyDescription(
            "Images that are pruned. The first entry that names a repository governs it; a repository that none names is not looked at.")
        @Nullable List<Registry> registries,
    @Size(min = 1, max = 16)
        @JsonPropertyDescription(
            "Repositories that builds keep their cache in, as in ImageBuild's cache.registry. A repository that registries names too is governed there.")
        @Nullable List<Cache> cache,
    @JsonPropertyDescription("Jobs and pods of builds that are over, in all namespaces.")
        @Nullable Builds builds,
    @JsonPropertyDescription(
            "Images on nodes that no container has used for a time. Only where the installation lets nodes be pruned: nodes.enabled of its chart.")
        @Nullable Nodes nodes,
    @Default("{}") @JsonPropertyDescription("What is kept whatever the rules say.") Protect protect,
    @Default("{}")
        @JsonPropertyDescription(
            "How much one run may delete. A run that would delete more deletes nothing, until a person approves its plan by its hash in the annotation kiln.build/approve.")
        Limits limits,
    @JsonPropertyDescription(
            "Where the whole report of a run goes: in ConfigMaps beside the run if not set.")
        @Nullable Report report,
    @Default("2h")
        @Size(max = 32)
        @ValidationRule(value = ImageBuildSpec.TIMEOUT, message = ImageBuildSpec.TIMEOUT_MESSAGE)
        @JsonPropertyDescription(
            "How long a run may take, such as \"2h\". The next one goes on where it ended.")
        String timeout,
    @Default("{}") @JsonPropertyDescription("Which finished runs keep their Jobs and pods.")
        History history,
    @JsonPropertyDescription(
            "What the pod needs of the cluster; its ServiceAccount is the installation's.")
        @Nullable PodTemplate podTemplate) {

  /** Why protect.labels does not go with nodes. */
  public static final String LABELS_AND_NODES =
      "spec.protect.labels does not go with spec.nodes: runtimes of nodes do not tell the labels of images; name what stays in nodes.keep or protect.tags, or write another policy for nodes";

  private static final String HOST = "[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?";

  private static final String GLOBS =
      "self.all(g, g.matches('^" + HOST + "/[a-z0-9*][a-z0-9*._/-]*$'))";

  public ImagePrunePolicySpec {
    suspend = Objects.requireNonNullElse(suspend, false);
    dryRun = Objects.requireNonNullElse(dryRun, true);
    gracePeriod = Objects.requireNonNullElse(gracePeriod, "24h");
    protect = Objects.requireNonNullElseGet(protect, () -> new Protect(true, null, null, null));
    limits = Objects.requireNonNullElseGet(limits, () -> new Limits(1000, 30));
    timeout = Objects.requireNonNullElse(timeout, "2h");
    history = Objects.requireNonNullElseGet(history, () -> new History(3, 3, "24h"));
  }

  /** The images that are pruned. */
  public List<Registry> images() {
    return registries == null ? List.of() : registries;
  }

  /** The repositories of caches that are pruned. */
  public List<Cache> caches() {
    return cache == null ? List.of() : cache;
  }

  /** Repositories, and the rules for them. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  @ValidationRule(
      value = "has(self.rules) || has(self.untagged)",
      message = "registries[] needs rules or untagged: without them everything is kept")
  public record Registry(
      @Required
          @Size(min = 1, max = 64)
          @ValidationRule(
              value = GLOBS,
              message =
                  "registries[].repositories must be a registry and a repository, such as registry.example.com/shop/api or registry.example.com/shop/**")
          @JsonPropertyDescription(
              "Registry and repository, such as registry.example.com/shop/api. In the repository's name * is any text without a slash and ** any text; for those the registry must list its repositories.")
          List<@Size(min = 1, max = 512) String> repositories,
      @Size(min = 1, max = 64)
          @ValidationRule(
              value = GLOBS,
              message =
                  "registries[].exclude must be a registry and a repository, such as registry.example.com/shop/base")
          @JsonPropertyDescription("Those of them that this entry does not name, written likewise.")
          @Nullable List<@Size(min = 1, max = 512) String> exclude,
      @Size(min = 1, max = 16)
          @ValidationRule(
              value = "self.all(a, a.matches('^" + HOST + "$'))",
              message =
                  "registries[].aliases must be registries such as localhost:5000, without a scheme and a path")
          @JsonPropertyDescription(
              "Other names of the registry, such as that by which nodes pull from it: what is in use under one of them is in use here. All forms of a Service's DNS name, a port of 443 or 80, and Docker Hub's names are known without it.")
          @Nullable List<@Size(min = 1, max = 255) String> aliases,
      @JsonPropertyDescription(
              "A Secret of type kubernetes.io/dockerconfigjson, for an account that may delete.")
          @Nullable SecretRef secretRef,
      @Size(min = 1, max = 32)
          @JsonPropertyDescription(
              "Which tags may go. A tag goes if a rule matches it and none that matches it keeps it; what no rule matches is kept.")
          @Nullable List<Rule> rules,
      @JsonPropertyDescription(
              "What becomes of images and indexes without tags, which nothing that stays needs. They are kept if not set.")
          @Nullable Untagged untagged,
      @Size(min = 1, max = 32)
          @ValidationRule(
              value = "self.all(c, c.matches('^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$'))",
              message =
                  "registries[].sharedWith must be names of clusters: lower case letters, digits, '-', '.'")
          @JsonPropertyDescription(
              "Other clusters that pull from here. Nothing is deleted in a run that does not know what each of them uses. If not set, only this cluster does.")
          @Nullable List<@Size(min = 1, max = 253) String> sharedWith) {}

  /** Repositories of caches. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Cache(
      @Required
          @Size(min = 1, max = 64)
          @ValidationRule(
              value = GLOBS,
              message =
                  "cache[].repositories must be a registry and a repository, such as registry.example.com/cache/api or registry.example.com/cache/**")
          @JsonPropertyDescription(
              "Registry and repository, written as in registries[].repositories.")
          List<@Size(min = 1, max = 512) String> repositories,
      @JsonPropertyDescription(
              "A Secret of type kubernetes.io/dockerconfigjson, for an account that may delete.")
          @Nullable SecretRef secretRef,
      @Default("336h")
          @Size(max = 32)
          @ValidationRule(
              value =
                  ImageBuildSpec.DURATION
                      + " && duration(self) >= duration('48h') && duration(self) <= duration('87600h')",
              message = "cache[].unusedFor must be a duration from 48h to 87600h, such as 336h")
          @JsonPropertyDescription(
              "How long ago a build must have written its list of entries, which each build does at least once a day, for the list to be let go, and with it the entries that no other list has.")
          String unusedFor,
      @ValidationRule(
              value = ImageBuildSpec.SIZE,
              message = "cache[].maxSize must be a size such as 500Mi or 20Gi")
          @JsonPropertyDescription(
              "How much all the layers that lists name may hold in a repository, each counted once. Above it the lists that were not written for the longest time are let go. No limit if not set.")
          @Nullable Quantity maxSize) {
    public Cache {
      unusedFor = Objects.requireNonNullElse(unusedFor, "336h");
    }
  }

  /** Which Jobs and pods of builds that are over are deleted; those of the newest stay. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Builds(
      @Default("3")
          @Min(0)
          @Max(100)
          @JsonPropertyDescription(
              "How many succeeded Jobs of each ImageBuild or ImageMirror stay, the newest.")
          Integer successful,
      @Default("3")
          @Min(0)
          @Max(100)
          @JsonPropertyDescription("How many failed ones stay, the newest.")
          Integer failed,
      @Default("24h")
          @Size(max = 32)
          @ValidationRule(
              value =
                  ImageBuildSpec.DURATION
                      + " && duration(self) >= duration('1m') && duration(self) <= duration('8760h')",
              message = "builds.olderThan must be a duration from 1m to 8760h, such as 24h")
          @JsonPropertyDescription("How long it must be over, such as \"24h\".")
          String olderThan) {
    public Builds {
      successful = Objects.requireNonNullElse(successful, 3);
      failed = Objects.requireNonNullElse(failed, 3);
      olderThan = Objects.requireNonNullElse(olderThan, "24h");
    }
  }

  /** Which nodes' images are removed, and which of them stay. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Nodes(
      @Default("168h")
          @Size(max = 32)
          @ValidationRule(
              value =
                  ImageBuildSpec.DURATION
                      + " && duration(self) >= duration('1h') && duration(self) <= duration('8760h')",
              message = "nodes.unusedFor must be a duration from 1h to 8760h, such as 168h")
          @JsonPropertyDescription(
              "How long runs must have seen no container of an image, running or exited, for it to be removed, such as \"168h\". What was used only between two runs was not seen. gracePeriod is the least age of an image.")
          String unusedFor,
      @Size(min = 1, max = 64)
          @JsonPropertyDescription("Labels of the nodes that are pruned; all nodes if not set.")
          @Nullable Map<String, @Size(max = 63) String> selector,
      @Size(min = 1, max = 64)
          @JsonPropertyDescription(
              "Taints that do not keep a node from being pruned. Others with the effect NoSchedule or NoExecute do.")
          @Nullable List<Toleration> tolerations,
      @Size(min = 1, max = 64)
          @ValidationRule(
              value = "self.all(k, k.matches('^[^[:space:]]+$'))",
              message =
                  "nodes.keep must be patterns of images' names without spaces, such as registry.example.com/base/*")
          @JsonPropertyDescription(
              "Images that stay, by name with or without the tag, such as docker.io/library/busybox:1; * is any text.")
          @Nullable List<@Size(min = 1, max = 512) String> keep,
      @Size(min = 1, max = 64)
          @ValidationRule(
              value = "self.all(k, k.matches('^[^[:space:]]+$'))",
              message =
                  "nodes.pulled must be patterns of images' names without spaces, such as registry.example.com/*")
          @JsonPropertyDescription(
              "Images that can be pulled again, written as those of keep. Needed where the node's runtime does not tell what was loaded, which is any but containerd: there only what each name of matches one of these is removed.")
          @Nullable List<@Size(min = 1, max = 512) String> pulled,
      @Default("{}")
          @JsonPropertyDescription(
              "How much one run may remove from one node. Of a node where it would be more nothing is removed.")
          NodeLimits limits) {
    public Nodes {
      unusedFor = Objects.requireNonNullElse(unusedFor, "168h");
      limits = Objects.requireNonNullElseGet(limits, () -> new NodeLimits(200, 90));
    }
  }

  /** How much one run may remove from one node. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record NodeLimits(
      @Default("200") @Min(1) @Max(10000) @JsonPropertyDescription("Images.") Integer maxDeletions,
      @Default("90") @Min(1) @Max(100) @JsonPropertyDescription("Of the node's images, in percent.")
          Integer maxPercent) {
    public NodeLimits {
      maxDeletions = Objects.requireNonNullElse(maxDeletions, 200);
      maxPercent = Objects.requireNonNullElse(maxPercent, 90);
    }
  }

  /** Where the whole report goes. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Report(
      @Required
          @Size(min = 1, max = 1024)
          @ValidationRule(
              value = "self.matches('^https?://[^/@[:space:]]+(/[^[:space:]]*)?$')",
              message =
                  "report.url must be an http or https URL without credentials, such as https://reports.example.com/{policy}/{run}.json")
          @JsonPropertyDescription(
              "Where the report is sent with PUT, as JSON. {policy} in it is replaced by the policy's name, {run} by the number of the run.")
          String url,
      @JsonPropertyDescription(
              "A Secret with the key token, which is sent as a bearer token, or the keys username and password.")
          @Nullable SecretRef secretRef) {}

  /** A Secret. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record SecretRef(
      @Required
          @Size(min = 1, max = 63)
          @ValidationRule(
              value = ImageBuildSpec.OBJECT_NAME,
              message = "namespace must be the name of a namespace")
          @JsonPropertyDescription(
              "The Secret's namespace, which must be that of Kiln's operator: the pods that prune run there.")
          String namespace,
      @Required
          @Size(min = 1, max = 253)
          @ValidationRule(
              value = ImageBuildSpec.OBJECT_NAME,
              message = "name must be the name of a Secret: lower case letters, digits, '-', '.'")
          @JsonPropertyDescription("The Secret's name.")
          String name) {}

  /** Which of the tags that match are kept. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  @ValidationRule(
      value = "has(self.keepLast) || has(self.keepYoungerThan) || has(self.keepSemver)",
      message =
          "rules[] needs keepLast, keepYoungerThan or keepSemver: a rule without them would delete all that it matches")
  public record Rule(
      @Required @JsonPropertyDescription("Which tags the rule is for.") Match match,
      @Min(1)
          @Max(10000)
          @JsonPropertyDescription(
              "The newest images with such a tag, by when each was first seen. One is let go only if at least so many others are known to be newer: of those that were first seen by the same scan only versions can be compared.")
          @Nullable Integer keepLast,
      @Size(max = 32)
          @ValidationRule(
              value =
                  ImageBuildSpec.DURATION
                      + " && duration(self) >= duration('1h') && duration(self) <= duration('87600h')",
              message = "keepYoungerThan must be a duration from 1h to 87600h, such as 720h")
          @JsonPropertyDescription(
              "Tags that were first seen less than this ago where they are, such as \"720h\".")
          @Nullable String keepYoungerThan,
      @JsonPropertyDescription(
              "Versions that stay. A tag that is matched and is no version such as 1.2.3 stays too. A pre-release stays until its minor has a release. What follows the numbers and is no pre-release, as in 1.2.3-alpine, names a line of its own.")
          @Nullable Semver keepSemver) {}

  /** A tag matches by one of tags or by regex, and by nothing in exclude. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  @ValidationRule(
      value = "has(self.tags) || has(self.regex)",
      message = "match needs tags or regex")
  public record Match(
      @Size(min = 1, max = 64)
          @JsonPropertyDescription("Patterns, in which * is any text: pr-*, or * for all.")
          @Nullable List<@Size(min = 1, max = 128) String> tags,
      @Size(min = 1, max = 512)
          @JsonPropertyDescription("A regular expression (Java's) for the whole tag.")
          @Nullable String regex,
      @Size(min = 1, max = 64)
          @JsonPropertyDescription("Patterns of tags that do not match, such as latest.")
          @Nullable List<@Size(min = 1, max = 128) String> exclude) {}

  /** Versions that stay; what is not set is all. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  @ValidationRule(
      value = "has(self.majors) || has(self.minors) || has(self.patches)",
      message = "keepSemver needs majors, minors or patches, such as patches: 1")
  public record Semver(
      @Min(1) @Max(1000) @JsonPropertyDescription("How many of the newest majors.")
          @Nullable Integer majors,
      @Min(1) @Max(1000) @JsonPropertyDescription("How many of the newest minors of each of those.")
          @Nullable Integer minors,
      @Min(1)
          @Max(1000)
          @JsonPropertyDescription("How many of the newest patches of each of those.")
          @Nullable Integer patches) {}

  /** What becomes of what has no tag. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Untagged(
      @Required
          @Size(max = 32)
          @ValidationRule(
              value =
                  ImageBuildSpec.DURATION
                      + " && duration(self) >= duration('1h') && duration(self) <= duration('87600h')",
              message = "untagged.olderThan must be a duration from 1h to 87600h, such as 168h")
          @JsonPropertyDescription(
              "How long it must have been without tags, by what scans saw, such as \"168h\".")
          String olderThan) {}

  /** What is kept whatever the rules say. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Protect(
      @Default("true")
          @JsonPropertyDescription(
              "What workloads, builds and mirrors refer to, whatever their number of replicas.")
          Boolean inUse,
      @Size(min = 1, max = 64)
          @JsonPropertyDescription(
              "Regular expressions (Java's), found anywhere in a tag: ^release- keeps what begins so. On nodes they keep the image with all of its names.")
          @Nullable List<@Size(min = 1, max = 512) String> tags,
      @Size(min = 1, max = 32)
          @JsonPropertyDescription(
              "Images with one of these labels, or annotations. Not together with nodes, whose runtimes do not tell labels.")
          @Nullable List<Label> labels,
      @Size(min = 1, max = 32)
          @JsonPropertyDescription("Where objects of other kinds refer to images.")
          @Nullable List<ExtraSource> extraSources) {
    public Protect {
      inUse = Objects.requireNonNullElse(inUse, true);
    }
  }

  /** A label. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Label(
      @Required
          @Size(min = 1, max = 253)
          @JsonPropertyDescription("The label's name, such as org.example.keep.")
          String name,
      @Size(max = 1024) @JsonPropertyDescription("Its value; any if not set.")
          @Nullable String value) {}

  /** A field of another kind that refers to images. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record ExtraSource(
      @Required
          @Size(min = 1, max = 253)
          @ValidationRule(
              value = "self.matches('^([a-z0-9][a-z0-9.-]*/)?v[0-9][a-z0-9]*$')",
              message = "apiVersion must be such as v1 or tekton.dev/v1")
          @JsonPropertyDescription("The kind's apiVersion, such as tekton.dev/v1.")
          String apiVersion,
      @Required
          @Size(min = 1, max = 63)
          @ValidationRule(
              value = "self.matches('^[A-Z][A-Za-z0-9]*$')",
              message = "kind must be such as Task")
          @JsonPropertyDescription("The kind, such as Task.")
          String kind,
      @Required
          @Size(min = 1, max = 512)
          @ValidationRule(
              value = "self.matches('^[{]?[$]?[.\\\\[]')",
              message = "jsonPath must be such as .spec.steps[*].image or ..image")
          @JsonPropertyDescription(
              "Where it refers to images, as kubectl writes it, such as .spec.steps[*].image; without filters and slices.")
          String jsonPath,
      @Default("false")
          @JsonPropertyDescription(
              "Whether objects of the kind may be there of which none has the field. If not, a run deletes nothing then, since the path may be wrong.")
          Boolean optional) {
    public ExtraSource {
      optional = Objects.requireNonNullElse(optional, false);
    }
  }

  /** How much one run may delete. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Limits(
      @Default("1000")
          @Min(1)
          @Max(1000000)
          @JsonPropertyDescription("Manifests, indexes and single tags.")
          Integer maxDeletions,
      @Default("30")
          @Min(1)
          @Max(100)
          @JsonPropertyDescription("Of the manifests and indexes that were looked at, in percent.")
          Integer maxPercent) {
    public Limits {
      maxDeletions = Objects.requireNonNullElse(maxDeletions, 1000);
      maxPercent = Objects.requireNonNullElse(maxPercent, 30);
    }
  }
}
