import java.io.IOException;
import java.lang.classfile.Attributes;
import java.lang.classfile.ClassBuilder;
import java.lang.classfile.ClassElement;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.CodeElement;
import java.lang.classfile.Label;
import java.lang.classfile.MethodModel;
import java.lang.classfile.MethodTransform;
import java.lang.classfile.TypeKind;
import java.lang.classfile.constantpool.ConstantPoolBuilder;
import java.lang.classfile.instruction.InvokeDynamicInstruction;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.DirectMethodHandleDesc;
import java.lang.constant.MethodTypeDesc;
import java.lang.reflect.AccessFlag;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * Writes out what a JVM would make at its first use: the {@code equals}, {@code hashCode} and
 * {@code toString} of records, and switches over types. An AOT cache keeps neither (JDK 25), and to
 * make one takes a new process one to five milliseconds; a build comes by some forty. What the code
 * does stays the same.
 *
 * <p>{@code java -cp JARS DirectCode.java JAR...}: rewrites the jars in place.
 */
final class DirectCode {
  private static final ClassDesc OBJECTS = ClassDesc.of("java.util.Objects");
  private static final ClassDesc BUILDER = ClassDesc.of("java.lang.StringBuilder");

  private final ClassModel model;
  private final ClassDesc owner;
  private final List<Written> written = new ArrayList<>();

  /** A method to be added. */
  private record Written(
      String name, MethodTypeDesc type, Consumer<CodeBuilder> code) {}

  private DirectCode(ClassModel model) {
    this.model = model;
    this.owner = model.thisClass().asSymbol();
  }

  public static void main(String[] arguments) throws IOException {
    if (arguments.length == 0) {
      System.err.println("usage: java -cp JARS DirectCode.java JAR...");
      System.exit(2);
    }
    for (String jar : arguments) {
      JarClasses.change(Path.of(jar), (format, model) -> new DirectCode(model).rewritten(format));
    }
  }

  private byte[] rewritten(ClassFile format) {
    boolean any =
        model.methods().stream()
            .flatMap(method -> method.code().stream())
            .flatMap(code -> code.elementStream())
            .anyMatch(this::canReplace);
    return any
        ? format.build(
            model.thisClass(),
            ConstantPoolBuilder.of(),
            builder -> {
              model.forEach(element -> copy(builder, element));
              written.forEach(method -> add(builder, method));
            })
        : null;
  }

  private void copy(ClassBuilder builder, ClassElement element) {
    if (element instanceof MethodModel method && method.code().isPresent()) {
      builder.transformMethod(
          method, MethodTransform.transformingCode(this::replace));
    } else {
      builder.with(element);
    }
  }

  private void add(ClassBuilder builder, Written method) {
    builder.withMethodBody(
        method.name(),
        method.type(),
        ClassFile.ACC_PRIVATE | ClassFile.ACC_STATIC | ClassFile.ACC_SYNTHETIC,
        method.code());
  }

  private boolean canReplace(CodeElement element) {
    return element instanceof InvokeDynamicInstruction call && code(call) != null;
  }

  private void replace(CodeBuilder builder, CodeElement element) {
    Consumer<CodeBuilder> code =
        element instanceof InvokeDynamicInstruction call ? code(call) : null;
    if (code == null) {
      builder.with(element);
      return;
    }
    MethodTypeDesc type = ((InvokeDynamicInstruction) element).typeSymbol();
    Written method = new Written("direct$" + written.size(), type, code);
    written.add(method);
    builder.invokestatic(
        owner, method.name(), type, model.flags().has(AccessFlag.INTERFACE));
  }

  /** What the call comes to, or null for one of another kind. */
  private Consumer<CodeBuilder> code(InvokeDynamicInstruction call) {
    String bootstrap =
        call.bootstrapMethod().owner().displayName() + "." + call.bootstrapMethod().methodName();
    List<ConstantDesc> arguments = call.bootstrapArgs();
    return switch (bootstrap) {
      case "SwitchBootstraps.typeSwitch" ->
          arguments.stream().allMatch(ClassDesc.class::isInstance)
              ? code -> typeSwitch(code, arguments)
              : null;
      case "ObjectMethods.bootstrap" -> {
        List<DirectMethodHandleDesc> fields = new ArrayList<>();
        arguments.subList(2, arguments.size()).forEach(f -> fields.add((DirectMethodHandleDesc) f));
        yield switch (call.name().stringValue()) {
          case "equals" -> code -> recordEquals(code, fields);
          case "hashCode" -> code -> recordHashCode(code, fields);
          case "toString" -> code -> recordToString(code, fields);
          default -> null;
        };
      }
      default -> null;
    };
  }

  /** See SwitchBootstraps: the first label from an index on that fits; null is -1. */
  private static void typeSwitch(CodeBuilder code, List<ConstantDesc> labels) {
    Label notNull = code.newLabel();
    code.aload(0).ifnonnull(notNull).iconst_m1().ireturn().labelBinding(notNull);
    for (int i = 0; i < labels.size(); i++) {
      Label next = code.newLabel();
      code.iload(1).loadConstant(i).if_icmpgt(next);
      code.aload(0).instanceOf((ClassDesc) labels.get(i)).ifeq(next);
      code.loadConstant(i).ireturn().labelBinding(next);
    }
    code.loadConstant(labels.size()).ireturn();
  }

  private void recordEquals(CodeBuilder code, List<DirectMethodHandleDesc> fields) {
    Label different = code.newLabel();
    Label other = code.newLabel();
    code.aload(0).aload(1).if_acmpne(other).iconst_1().ireturn().labelBinding(other);
    code.aload(1).instanceOf(owner).ifeq(different);
    code.aload(1).checkcast(owner).astore(2);
    for (DirectMethodHandleDesc field : fields) {
      load(code, 0, field);
      load(code, 2, field);
      ClassDesc type = type(field);
      switch (TypeKind.from(type)) {
        case REFERENCE ->
            code.invokestatic(
                    OBJECTS,
                    "equals",
                    MethodTypeDesc.of(
                        ConstantDescs.CD_boolean,
                        ConstantDescs.CD_Object,
                        ConstantDescs.CD_Object))
                .ifeq(different);
        case LONG -> code.lcmp().ifne(different);
        case FLOAT, DOUBLE ->
            code.invokestatic(
                    boxed(type), "compare", MethodTypeDesc.of(ConstantDescs.CD_int, type, type))
                .ifne(different);
        default -> code.if_icmpne(different);
      }
    }
    code.iconst_1().ireturn().labelBinding(different).iconst_0().ireturn();
  }

  private void recordHashCode(CodeBuilder code, List<DirectMethodHandleDesc> fields) {
    code.iconst_0();
    for (DirectMethodHandleDesc field : fields) {
      code.loadConstant(31).imul();
      load(code, 0, field);
      ClassDesc type = type(field);
      if (type.isPrimitive()) {
        code.invokestatic(boxed(type), "hashCode", MethodTypeDesc.of(ConstantDescs.CD_int, type));
      } else {
        code.invokestatic(
            OBJECTS,
            "hashCode",
            MethodTypeDesc.of(ConstantDescs.CD_int, ConstantDescs.CD_Object));
      }
      code.iadd();
    }
    code.ireturn();
  }

  private void recordToString(CodeBuilder code, List<DirectMethodHandleDesc> fields) {
    code.new_(BUILDER)
        .dup()
        .invokespecial(BUILDER, "<init>", MethodTypeDesc.of(ConstantDescs.CD_void));
    append(code, simpleName() + "[");
    String separator = "";
    for (DirectMethodHandleDesc field : fields) {
      append(code, separator + field.methodName() + "=");
      load(code, 0, field);
      ClassDesc type = type(field);
      ClassDesc shown =
          !type.isPrimitive()
              ? ConstantDescs.CD_Object
              : type.equals(ConstantDescs.CD_byte) || type.equals(ConstantDescs.CD_short)
                  ? ConstantDescs.CD_int
                  : type;
      code.invokevirtual(BUILDER, "append", MethodTypeDesc.of(BUILDER, shown));
      separator = ", ";
    }
    append(code, "]");
    code.invokevirtual(BUILDER, "toString", MethodTypeDesc.of(ConstantDescs.CD_String)).areturn();
  }

  /** As the source has it, for a class within others too. */
  private String simpleName() {
    return model.findAttribute(Attributes.innerClasses()).stream()
        .flatMap(all -> all.classes().stream())
        .filter(each -> each.innerClass().asSymbol().equals(owner))
        .flatMap(each -> each.innerName().stream())
        .map(Object::toString)
        .findFirst()
        .orElse(owner.displayName());
  }

  private static void append(CodeBuilder code, String text) {
    code.loadConstant(text)
        .invokevirtual(BUILDER, "append", MethodTypeDesc.of(BUILDER, ConstantDescs.CD_String));
  }

  private void load(CodeBuilder code, int of, DirectMethodHandleDesc field) {
    code.aload(of).getfield(owner, field.methodName(), type(field));
  }

  private static ClassDesc type(DirectMethodHandleDesc field) {
    return field.invocationType().returnType();
  }

  private static ClassDesc boxed(ClassDesc primitive) {
    return switch (primitive.descriptorString()) {
      case "Z" -> ConstantDescs.CD_Boolean;
      case "B" -> ConstantDescs.CD_Byte;
      case "C" -> ConstantDescs.CD_Character;
      case "S" -> ConstantDescs.CD_Short;
      case "I" -> ConstantDescs.CD_Integer;
      case "J" -> ConstantDescs.CD_Long;
      case "F" -> ConstantDescs.CD_Float;
      case "D" -> ConstantDescs.CD_Double;
      default -> throw new IllegalArgumentException(primitive.descriptorString());
    };
  }
}
