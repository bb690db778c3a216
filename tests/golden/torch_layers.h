/* Made by layers.py. Do not edit. */
static const layer_golden layers[] = {
    {"- conv2d: {name: a, out: 8, kernel: 1}\n- conv2d: {name: b, out: 8, padding: 1}\n- add: {name: l, from: [b, a]}\n"
     "- flatten\n- linear: {name: out, out: 5}\n",
     {"y", 44.1174052, -7.77178771},
     {
         {"a.weight", 5.61109505, 1.95151041},
         {"a.bias", 3.63871394, 3.02118457},
         {"b.weight", 13.5775912, 2.63026342},
         {"b.bias", 2.31226383, -0.371958648},
         {"out.weight", 63.5291923, -24.1538009},
         {"out.bias", 2.64075774, -1.66155032},
     }},
    {"- conv2d: {name: a, out: 8, kernel: 1}\n- avg_pool: {name: l, kernel: 3, stride: 2, padding: 1}\n"
     "- flatten\n- linear: {name: out, out: 5}\n",
     {"y", 5.28472331, 1.3107598},
     {
         {"a.weight", 1.30033354, -0.71825496},
         {"a.bias", 1.38619837, -0.117486998},
         {"out.weight", 7.59114063, 0.53226608},
         {"out.bias", 2.64075774, -1.66155032},
     }},
    {"- conv2d: {name: a, out: 8, kernel: 1}\n- avg_pool: {name: l, kernel: 3, stride: 2, padding: 1, count_padding: false}\n"
     "- flatten\n- linear: {name: out, out: 5}\n",
     {"y", 7.00005173, 2.01551755},
     {
         {"a.weight", 1.78147908, -0.908501139},
         {"a.bias", 1.81020818, -0.177826375},
         {"out.weight", 9.91004793, 0.276781288},
         {"out.bias", 2.64075774, -1.66155032},
     }},
    {"- conv2d: {name: a, out: 8, kernel: 1}\n- batch_norm: {name: l}\n"
     "- flatten\n- linear: {name: out, out: 5}\n",
     {"y", 51.4807165, 16.1643777},
     {
         {"a.weight", 6.3621969, 5.05705118},
         {"l.weight", 3.23391154, 1.49766572},
         {"l.bias", 2.31226383, -0.491106501},
         {"out.weight", 74.1215624, -0.256964649},
         {"out.bias", 2.64075774, -1.66155032},
     }},
    {"- conv2d: {name: a, out: 8, kernel: 1}\n- conv2d: {name: b, out: 8, padding: 1}\n- concat: {name: l, from: [b, a]}\n"
     "- flatten\n- linear: {name: out, out: 5}\n",
     {"y", 43.012414, -13.6718304},
     {
         {"a.weight", 4.01471618, -3.74711176},
         {"a.bias", 2.08694036, 2.00382699},
         {"b.weight", 9.90854733, -7.33457827},
         {"b.bias", 1.61600967, -0.840986096},
         {"out.weight", 61.6979253, 16.8411475},
         {"out.bias", 2.64075774, -1.66155032},
     }},
    {"- conv2d: {name: a, out: 8, kernel: 1}\n- conv2d: {name: l, out: 16, padding: 1}\n"
     "- flatten\n- linear: {name: out, out: 5}\n",
     {"y", 40.8752512, -1.27886938},
     {
         {"a.weight", 4.88224135, -0.928927334},
         {"a.bias", 1.75693778, 0.192725563},
         {"l.weight", 13.9665407, 8.96400789},
         {"l.bias", 1.99538153, 0.955806973},
         {"out.weight", 58.8475986, -17.5786791},
         {"out.bias", 2.64075774, -1.66155032},
     }},
    {"- conv2d: {name: a, out: 8, kernel: 1}\n- conv2d: {name: l, out: 7, kernel: 5, stride: 2, padding: 2, bias: false}\n"
     "- flatten\n- linear: {name: out, out: 5}\n",
     {"y", 14.1636738, 6.39049293},
     {
         {"a.weight", 3.54697372, -2.6056966},
         {"a.bias", 1.85500487, -1.20249502},
         {"l.weight", 19.8724907, 1.80461111},
         {"out.weight", 20.5909361, -26.8529651},
         {"out.bias", 2.64075774, -1.66155032},
     }},
    {"- conv2d: {name: a, out: 8, kernel: 1}\n- conv2d: {name: l, out: 8, dilation: 2, padding: 2}\n"
     "- flatten\n- linear: {name: out, out: 5}\n",
     {"y", 26.2173539, -17.4013741},
     {
         {"a.weight", 3.00861459, -1.46358446},
         {"a.bias", 2.29106503, -0.337565525},
         {"l.weight", 12.2010527, 7.7711671},
         {"l.bias", 2.31226383, -0.491106501},
         {"out.weight", 37.6864042, 8.39772272},
         {"out.bias", 2.64075774, -1.66155032},
     }},
    {"- conv2d: {name: a, out: 8, kernel: 1}\n- conv2d: {name: l, out: 16, padding: 1, groups: 4}\n"
     "- flatten\n- linear: {name: out, out: 5}\n",
     {"y", 40.2290681, -5.74799976},
     {
         {"a.weight", 2.71849296, 1.39677296},
         {"a.bias", 2.64385704, 0.245465499},
         {"l.weight", 6.7926017, 2.26602121},
         {"l.bias", 1.99538153, 0.955806973},
         {"out.weight", 57.6161814, -20.8180266},
         {"out.bias", 2.64075774, -1.66155032},
     }},
    {"- conv2d: {name: a, out: 8, kernel: 1}\n- conv2d: {name: l, out: 8, stride: 2, padding: 1, groups: 8}\n"
     "- flatten\n- linear: {name: out, out: 5}\n",
     {"y", 14.9012459, -8.92000519},
     {
         {"a.weight", 3.07282153, -2.69312283},
         {"a.bias", 0.943309358, 0.522422725},
         {"l.weight", 4.64435917, -0.143482192},
         {"l.bias", 1.81020818, -0.473324595},
         {"out.weight", 21.1758648, -19.804382},
         {"out.bias", 2.64075774, -1.66155032},
     }},
    {"- conv2d: {name: a, out: 8, kernel: 1}\n- conv2d: {name: l, out: 12, kernel: 1, stride: 2}\n"
     "- flatten\n- linear: {name: out, out: 5}\n",
     {"y", 17.9634159, 8.7918686},
     {
         {"a.weight", 3.39930374, -3.22781637},
         {"a.bias", 2.30928934, 0.715644986},
         {"l.weight", 4.71959369, 0.312280474},
         {"l.bias", 2.35999443, 0.378381122},
         {"out.weight", 25.5040384, 34.5315673},
         {"out.bias", 2.64075774, -1.66155032},
     }},
    {"- conv2d: {name: a, out: 8, kernel: 1}\n- elu: {name: l, alpha: 0.7}\n"
     "- flatten\n- linear: {name: out, out: 5}\n",
     {"y", 23.3426597, 16.7828019},
     {
         {"a.weight", 3.11526529, 1.09487538},
         {"a.bias", 1.94939058, 0.486212041},
         {"out.weight", 33.4825176, -0.999487237},
         {"out.bias", 2.64075774, -1.66155032},
     }},
    {"- conv2d: {name: a, out: 8, kernel: 1}\n- flatten: {name: l}\n"
     "- flatten\n- linear: {name: out, out: 5}\n",
     {"y", 30.8137307, 20.5003571},
     {
         {"a.weight", 3.94318785, 0.83039402},
         {"a.bias", 2.31226383, 0.471099783},
         {"out.weight", 44.161398, -4.18849827},
         {"out.bias", 2.64075774, -1.66155032},
     }},
    {"- conv2d: {name: a, out: 8, kernel: 1}\n- gelu: {name: l}\n"
     "- flatten\n- linear: {name: out, out: 5}\n",
     {"y", 17.5231093, 13.3259807},
     {
         {"a.weight", 2.47716525, 0.555482408},
         {"a.bias", 1.59604788, 0.698480723},
         {"out.weight", 24.97968, -3.42629694},
         {"out.bias", 2.64075774, -1.66155032},
     }},
    {"- conv2d: {name: a, out: 8, kernel: 1}\n- global_avg_pool: {name: l}\n"
     "- flatten\n- linear: {name: out, out: 5}\n",
     {"y", 0.580401874, -0.270011},
     {
         {"a.weight", 0.446632205, 0.17431624},
         {"a.bias", 2.45792847, 0.0689293415},
         {"out.weight", 0.786582993, 0.407548686},
         {"out.bias", 2.64075774, -1.66155032},
     }},
    {"- conv2d: {name: a, out: 8, kernel: 1}\n- group_norm: {name: l, groups: 2}\n"
     "- flatten\n- linear: {name: out, out: 5}\n",
     {"y", 51.0128142, 22.857803},
     {
         {"a.weight", 6.33769382, 4.32538364},
         {"a.bias", 3.06202697, -0.266879247},
         {"l.weight", 3.15235747, 1.49075968},
         {"l.bias", 2.31226383, -0.491106501},
         {"out.weight", 73.4131621, -3.06904045},
         {"out.bias", 2.64075774, -1.66155032},
     }},
    {"- conv2d: {name: a, out: 8, kernel: 1}\n- hard_swish: {name: l}\n"
     "- flatten\n- linear: {name: out, out: 5}\n",
     {"y", 15.7448168, 11.9841225},
     {
         {"a.weight", 2.12498706, 0.285887808},
         {"a.bias", 1.28711958, 0.430031318},
         {"out.weight", 22.6423418, -2.77300922},
         {"out.bias", 2.64075774, -1.66155032},
     }},
    {"- conv2d: {name: a, out: 8, kernel: 1}\n- layer_norm: {name: l}\n"
     "- flatten\n- linear: {name: out, out: 5}\n",
     {"y", 7.96253919, -2.00801974},
     {
         {"a.weight", 0.624616031, -0.239571224},
         {"a.bias", 0.356832136, 0.23263912},
         {"l.weight", 2.72733648, -0.596913432},
         {"l.bias", 2.56309724, -1.75190829},
         {"out.weight", 10.9451914, -5.83020521},
         {"out.bias", 2.64075774, -1.66155032},
     }},
    {"- conv2d: {name: a, out: 8, kernel: 1}\n- leaky_relu: {name: l}\n"
     "- flatten\n- linear: {name: out, out: 5}\n",
     {"y", 20.8493822, 11.5867989},
     {
         {"a.weight", 2.89428742, 1.08776472},
         {"a.bias", 2.14012345, 0.324442495},
         {"out.weight", 29.1823548, 2.78662715},
         {"out.bias", 2.64075774, -1.66155032},
     }},
    {"- conv2d: {name: a, out: 8, kernel: 1}\n- max_pool: {name: l, kernel: 3, stride: 2, padding: 1}\n"
     "- flatten\n- linear: {name: out, out: 5}\n",
     {"y", 24.2588597, -6.4259926},
     {
         {"a.weight", 3.63771379, 2.31730732},
         {"a.bias", 1.81020818, -0.177826375},
         {"out.weight", 31.6988773, -4.37543383},
         {"out.bias", 2.64075774, -1.66155032},
     }},
    {"- conv2d: {name: a, out: 8, kernel: 1}\n- relu: {name: l}\n"
     "- flatten\n- linear: {name: out, out: 5}\n",
     {"y", 20.8481475, 11.4967629},
     {
         {"a.weight", 2.89681974, 1.09036442},
         {"a.bias", 2.14861897, 0.322961108},
         {"out.weight", 29.1559925, 2.85708296},
         {"out.bias", 2.64075774, -1.66155032},
     }},
    {"- conv2d: {name: a, out: 8, kernel: 1}\n- relu: {name: l, max: 0.5}\n"
     "- flatten\n- linear: {name: out, out: 5}\n",
     {"y", 13.5896687, 5.4872939},
     {
         {"a.weight", 2.30151093, 1.34743809},
         {"a.bias", 1.98465374, -0.501684354},
         {"out.weight", 18.8135933, 9.54537314},
         {"out.bias", 2.64075774, -1.66155032},
     }},
    {"- conv2d: {name: a, out: 8, kernel: 1}\n- scale: {name: l, by: 0.3}\n"
     "- flatten\n- linear: {name: out, out: 5}\n",
     {"y", 9.2441192, 6.15010713},
     {
         {"a.weight", 1.18295636, 0.249118206},
         {"a.bias", 0.693679148, 0.141329935},
         {"out.weight", 13.2484194, -1.25654948},
         {"out.bias", 2.64075774, -1.66155032},
     }},
    {"- conv2d: {name: a, out: 8, kernel: 1}\n- sigmoid: {name: l}\n"
     "- flatten\n- linear: {name: out, out: 5}\n",
     {"y", 26.1687218, -4.93273118},
     {
         {"a.weight", 0.912556908, 0.270090621},
         {"a.bias", 0.524548615, 0.11722891},
         {"out.weight", 34.9342931, 28.4216988},
         {"out.bias", 2.64075774, -1.66155032},
     }},
    {"- conv2d: {name: a, out: 8, kernel: 1}\n- silu: {name: l}\n"
     "- flatten\n- linear: {name: out, out: 5}\n",
     {"y", 16.2537489, 12.4900927},
     {
         {"a.weight", 2.22846878, 0.394797188},
         {"a.bias", 1.38090974, 0.529245413},
         {"out.weight", 23.3214425, -3.04789004},
         {"out.bias", 2.64075774, -1.66155032},
     }},
    {"- conv2d: {name: a, out: 8, kernel: 1}\n- softmax: {name: l}\n"
     "- flatten\n- linear: {name: out, out: 5}\n",
     {"y", 7.30224216, 0.469367727},
     {
         {"a.weight", 0.489970893, 0.125959199},
         {"a.bias", 0.316170897, 0.17079103},
         {"out.weight", 9.84963265, 5.21469324},
         {"out.bias", 2.64075774, -1.66155032},
     }},
    {"- conv2d: {name: a, out: 8, kernel: 1}\n- squeeze_excite: {name: l, squeeze: 3}\n"
     "- flatten\n- linear: {name: out, out: 5}\n",
     {"y", 14.9038971, 9.3209449},
     {
         {"a.weight", 1.92317897, 0.357040592},
         {"a.bias", 0.969382604, 0.41508724},
         {"l.fc1.weight", 0.132282031, -0.0439907381},
         {"l.fc1.bias", 0.482298475, 0.570133733},
         {"l.fc2.weight", 0.119488295, -0.00740392833},
         {"l.fc2.bias", 0.466594342, 0.552686944},
         {"out.weight", 21.3624797, -1.28657242},
         {"out.bias", 2.64075774, -1.66155032},
     }},
    {"- conv2d: {name: a, out: 8, kernel: 1}\n- tanh: {name: l}\n"
     "- flatten\n- linear: {name: out, out: 5}\n",
     {"y", 24.3341071, 17.1118482},
     {
         {"a.weight", 3.16430448, 1.44877728},
         {"a.bias", 1.77579596, 0.307270353},
         {"out.weight", 34.7774243, -0.71111715},
         {"out.bias", 2.64075774, -1.66155032},
     }},
};
